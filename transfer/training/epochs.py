"""The early-stopping loop, and checkpoints from which an interrupted training resumes."""

from __future__ import annotations

import copy
import json
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from domains.errors import RunError, SettingsError
from transfer.files import read_sealed, write_sealed
from transfer.runtime import Runtime

SUFFIX = ".checkpoint.safetensors"


@dataclass(frozen=True)
class Saved:
    """The state of a training.

    Attributes:
        tensors: tensors by name.
        facts: everything else, as plain data.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with a prefix; the prefix is removed."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds the state of a training.

    Attributes:
        path: the file.
        identity: hash of data, settings, seed and title. A file with another identity is ignored.
        writes: whether this process writes the file.
    """

    path: Path
    identity: str
    writes: bool = True

    def load(self) -> Saved | None:
        """Return the saved state, or None if there is none of this training.

        Raises:
            InputError: the file is damaged.
        """
        if not self.path.is_file():
            return None
        tensors, facts = read_sealed(self.path)
        if facts.get("identity") != self.identity:
            return None
        try:
            return Saved(tensors, json.loads(facts["state"]))
        except (KeyError, ValueError, RecursionError) as error:
            raise RunError(
                f"this checkpoint is damaged: {error}", location=self.path, hint="Delete it", code="run-damaged"
            ) from None

    def save(self, state: Saved) -> None:
        """Save the state; it replaces an earlier one.

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        if self.writes:
            write_sealed(self.path, state.tensors, {"identity": self.identity, "state": json.dumps(state.facts)})

    def remove(self) -> None:
        """Remove the file. Call it once the trained weights are saved elsewhere."""
        if self.writes:
            self.path.unlink(missing_ok=True)


def optimiser_state(optimiser: torch.optim.Optimizer) -> Saved:
    """Return the state of an optimiser; the facts include its learning rate."""
    state = optimiser.state_dict()
    tensors = {f"{index}.{name}": value for index, values in state["state"].items() for name, value in values.items()}
    groups = [{key: value for key, value in group.items() if key != "params"} for group in state["param_groups"]]
    return Saved(tensors, {"groups": groups})


def restore_optimiser(optimiser: torch.optim.Optimizer, saved: Saved) -> None:
    """Restore the state of an optimiser with the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in saved.tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    params = [group["params"] for group in optimiser.state_dict()["param_groups"]]
    groups = [
        {**{key: tuple(value) if isinstance(value, list) else value for key, value in group.items()}, "params": owned}
        for group, owned in zip(saved.facts["groups"], params, strict=True)
    ]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the global random generators of NumPy and of torch, on CPU and device."""
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002 - plug-ins may draw from it
    states = {
        "cpu": torch.get_rng_state(),
        "numpy.keys": torch.from_numpy(np.asarray(keys, dtype=np.int64)),
        "numpy.rest": torch.tensor([position, has_gauss, gauss], dtype=torch.float64),
    }
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore the global random generators to the states that `random_state` returned."""
    torch.set_rng_state(states["cpu"])
    position, has_gauss, gauss = states["numpy.rest"].tolist()
    keys = states["numpy.keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, int(position), int(has_gauss), gauss))  # noqa: NPY002
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


Log = Callable[[dict[str, object]], None]
T = TypeVar("T")
logger = logging.getLogger("transfer.training")


@dataclass(frozen=True)
class Epoch:
    """The result of an epoch.

    Attributes:
        score: score on held-out data; higher is better.
        entry: further keys for the log.
        shown: the score as text.
    """

    score: float
    entry: Mapping[str, object]
    shown: str


class Learner(Protocol):
    """A model in training, with its data and optimiser."""

    @property
    def model(self) -> nn.Module:
        """The model; it is trained in place."""
        ...

    def start(self) -> float:
        """Return the score before the first epoch; minus infinity if it is unknown."""
        ...

    def epoch(self, number: int) -> Epoch:
        """Train for one epoch and validate. Epochs are counted from 1."""
        ...

    def state(self) -> Saved:
        """Return what the next epoch depends on, without the model and the global random generators."""
        ...

    def restore(self, saved: Saved) -> None:
        """Restore a state that `state` returned."""
        ...


@dataclass(frozen=True)
class Fitted:
    """The result of a training.

    Attributes:
        best: score of the best epoch, which the model is left at.
        best_epoch: number of that epoch; 0 is the state before the first one.
        epochs: number of epochs that ran.
        seconds: wall time since the start, or since the checkpoint was loaded.
    """

    best: float
    best_epoch: int
    epochs: int
    seconds: float


def train_epochs(
    learner: Learner,
    runtime: Runtime,
    *,
    title: str,
    stage: str,
    epochs: int,
    patience: int,
    log: Log,
    best_shown: Callable[[float, int], str],
    checkpoint: Checkpoint | None = None,
) -> Fitted:
    """Train until the score has not improved for `patience` epochs, and leave the model at its best epoch.

    Args:
        learner: model, data and optimiser.
        runtime: device, processes, progress.
        title: name of the training, for progress and messages.
        stage: name of the training in the log.
        epochs: maximum number of epochs.
        patience: number of epochs without a better score after which training stops.
        log: called after each epoch.
        best_shown: formats the best score and its epoch.
        checkpoint: stores the state between epochs. A resumed training gives the same bits as an uninterrupted
            one, with one process and the same number of threads.
    """
    model, began = learner.model, time.perf_counter()
    saved = None if checkpoint is None else checkpoint.load()
    runtime.wait()  # no process replaces the checkpoint before all have read it
    if saved is None:
        best, best_epoch, epoch = learner.start(), 0, 0
        best_state = copy.deepcopy(model.state_dict())
    else:
        best, best_epoch, epoch = (saved.facts[key] for key in ("best", "best_epoch", "epoch"))
        best_state = saved.part("best.")
        _restore(learner, saved, runtime)
        logger.info("%s resumes after epoch %d", title, epoch)
    written, last = saved is not None, time.monotonic()
    with runtime.progress.task(title, epochs) as progress:
        if epoch:
            progress.advance(epoch, best_shown(best, best_epoch))
        while epoch < epochs and epoch - best_epoch < patience:
            epoch += 1
            found = learner.epoch(epoch)
            log({"stage": stage, "epoch": epoch, **found.entry})
            logger.debug("%s, epoch %d: %s", title, epoch, found.shown)
            if found.score > best:
                best, best_epoch, best_state = found.score, epoch, copy.deepcopy(model.state_dict())
            progress.advance(1, f"{found.shown}, {best_shown(best, best_epoch)}")
            if checkpoint is not None and time.monotonic() - last >= runtime.checkpoint_seconds:
                checkpoint.save(_state(learner, best, best_epoch, epoch, best_state, runtime))
                written, last = True, time.monotonic()
    if checkpoint is not None and (written or time.perf_counter() - began >= runtime.checkpoint_seconds):
        checkpoint.save(_state(learner, best, best_epoch, epoch, best_state, runtime))
    model.load_state_dict(best_state)
    model.eval()
    return Fitted(best, best_epoch, epoch, time.perf_counter() - began)


def _state(
    learner: Learner, best: float, best_epoch: int, epoch: int, best_state: Mapping[str, Tensor], runtime: Runtime
) -> Saved:
    own = learner.state()
    parts: dict[str, Mapping[str, Tensor]] = {
        "model.": learner.model.state_dict(),
        "best.": best_state,
        "learner.": own.tensors,
        "random.": random_state(runtime.device),
    }
    tensors = {prefix + name: value for prefix, part in parts.items() for name, value in part.items()}
    return Saved(tensors, {"best": best, "best_epoch": best_epoch, "epoch": epoch, "learner": own.facts})


def _restore(learner: Learner, saved: Saved, runtime: Runtime) -> None:
    learner.model.load_state_dict(saved.part("model."))
    learner.restore(Saved(saved.part("learner."), saved.facts["learner"]))
    if runtime.is_main:  # the checkpoint holds the random state of the process that wrote it
        restore_random(saved.part("random."), runtime.device)


def check_divergence(title: str, epoch: int, hint: str, **numbers: float) -> None:
    """Raise if a loss is not finite.

    Raises:
        InputError: one of the numbers is not finite.
    """
    if not all(math.isfinite(number) for number in numbers.values()):
        said = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())
        raise SettingsError(f"training of {title} diverged in epoch {epoch} ({said})", hint=hint, code="diverged")


def steps_in_memory(
    chunks: Iterable[Tensor], step: Callable[[Tensor], T], runtime: Runtime, shrunk: Callable[[int], None]
) -> Iterator[T]:
    """Run a step on every chunk of rows. If the device runs out of memory, halve this chunk and all later ones.

    Args:
        chunks: rows of each step.
        step: runs one step; must change nothing if it runs out of memory.
        runtime: with several processes the error is raised, because one process cannot halve its chunks alone.
        shrunk: called with the new number of rows after each halving.
    """
    waiting, largest = deque(chunks), None
    while waiting:
        rows = waiting.popleft()
        if largest is not None and len(rows) > largest:
            waiting.extendleft(reversed(rows.split(largest)))
            continue
        try:
            yield step(rows)
            continue
        except torch.OutOfMemoryError:
            if len(rows) < 2 or runtime.processes > 1:
                raise
        # Outside the handler: its traceback keeps the step's tensors alive.
        largest = -(-len(rows) // 2)
        if runtime.device.type == "cuda":
            torch.cuda.empty_cache()
        shrunk(largest)
        waiting.appendleft(rows)
