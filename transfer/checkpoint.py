"""Checkpoints inside a training: everything that the next epoch depends on, in one file that is replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from domains.errors import RunError
from transfer.files import read_sealed, write_sealed

SUFFIX = ".checkpoint.safetensors"


@dataclass(frozen=True)
class Saved:
    """A state of a training.

    Attributes:
        tensors: by name.
        facts: everything else, as plain data.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with a prefix, without it."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state.

    Attributes:
        path: the file.
        identity: of data, settings, seed and title; the state of another training is not taken.
        writes: whether this process writes.
    """

    path: Path
    identity: str
    writes: bool = True

    def load(self) -> Saved | None:
        """The state of this training; None if there is none.

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
        """Replace the state that is there.

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        if self.writes:
            write_sealed(self.path, state.tensors, {"identity": self.identity, "state": json.dumps(state.facts)})

    def remove(self) -> None:
        """Forget the state: what was trained is kept elsewhere."""
        if self.writes:
            self.path.unlink(missing_ok=True)


def optimiser_state(optimiser: torch.optim.Optimizer) -> Saved:
    """The state of an optimiser; its learning rate is among the facts."""
    state = optimiser.state_dict()
    tensors = {f"{index}.{name}": value for index, values in state["state"].items() for name, value in values.items()}
    groups = [{key: value for key, value in group.items() if key != "params"} for group in state["param_groups"]]
    return Saved(tensors, {"groups": groups})


def restore_optimiser(optimiser: torch.optim.Optimizer, saved: Saved) -> None:
    """Bring an optimiser of the same parameters to a saved state."""
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
    """The states of the global random generators of torch, on CPU and device, and of NumPy."""
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
    """Bring the global random generators to a saved state."""
    torch.set_rng_state(states["cpu"])
    position, has_gauss, gauss = states["numpy.rest"].tolist()
    keys = states["numpy.keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, int(position), int(has_gauss), gauss))  # noqa: NPY002
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
