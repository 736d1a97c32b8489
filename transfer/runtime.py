"""`Runtime`: device, processes and progress of a run, passed to all functions that need them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from domains.errors import SettingsError
from transfer.memory import reuse_memory
from transfer.progress import LOGGER, Progress, Silent, Steps, TransferWarning
from transfer.tracking import Tracker, Untracked

CHECKPOINT_SECONDS = "TRANSFER_CHECKPOINT_SECONDS"
"""Environment variable for `Runtime.checkpoint_seconds`."""
MEMORY_MB = "TRANSFER_MEMORY_MB"
"""Environment variable: maximum size of a block of scores or logits, if less than usual."""


@dataclass(frozen=True)
class Runtime:
    """Resources of a run.

    Attributes:
        device: device of tensors.
        rank: index of this process, from 0.
        processes: number of data-parallel processes.
        progress: shows progress.
        steps: planned steps of the command.
        checkpoint_seconds: time between checkpoints of a training; a killed run loses at most this much work.
        tracker: gets settings, epochs and results.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    rank: int = 0
    processes: int = 1
    progress: Progress = field(default_factory=Silent)
    checkpoint_seconds: float = 60.0
    steps: Steps = field(default_factory=Steps)
    tracker: Tracker = field(default_factory=Untracked)

    @classmethod
    def current(cls, device: str = "auto", progress: Progress | None = None, steps: Steps | None = None) -> Runtime:
        """Make the runtime of a process started by `accelerate launch` or `torchrun`, or of a single process.

        Args:
            device: ``auto`` (a GPU if available), ``cpu``, ``cuda`` or ``cuda:N``.
            progress: used by the first process only.
            steps: of the command; logged by the first process only.
        """
        if device not in {"auto", "cpu"} and not device.startswith("cuda"):
            raise SettingsError(
                f"unknown device {device!r}", location="--device", hint="Use auto, cpu or cuda", code="device"
            )
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise SettingsError(
                "no CUDA device is available", location="--device", hint="Use --device cpu or auto", code="device"
            )
        reuse_memory()
        shown = progress or Silent()
        planned = steps or Steps()
        seconds = _seconds(os.environ.get(CHECKPOINT_SECONDS))
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
            first = state.process_index == 0
            shown = shown if first else Silent()
            return cls(
                device=state.device,
                rank=state.process_index,
                processes=state.num_processes,
                progress=shown,
                checkpoint_seconds=seconds,
                steps=planned,
            )
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(torch.device(device), progress=shown, checkpoint_seconds=seconds, steps=planned)

    def log(self, text: str) -> None:
        """Log a line in the first process only."""
        if self.is_main:
            LOGGER.info(text)

    def begin(self, step: str) -> None:
        """Begin and log a step of the command, in the first process only."""
        if self.is_main:
            self.steps.begin(step)

    def warn(self, text: str) -> None:
        """Warn in the first process only that something was overruled or skipped."""
        if self.is_main:
            warnings.warn(text, TransferWarning, stacklevel=3)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """Return this process's rows of a batch; every process must pass the same batch."""
        return rows[self.rank :: self.processes]

    def owns(self, rows: Tensor) -> Tensor:
        """Return which rows of a data set are this process's, wherever they stand in a batch."""
        return rows % self.processes == self.rank

    def sum_(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place."""
        if self.processes > 1:
            from accelerate.utils import reduce

            tensor.copy_(reduce(tensor, "sum"))
        return tensor

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Sum the gradients of all processes, in place.

        All gradients are summed as one vector: one message a step. A process without rows of a batch takes part with
        zeros. `DistributedDataParallel`, which `Accelerator.prepare` adds, would need a backward pass there as well.
        """
        if self.processes == 1:
            return
        owners = [parameter for parameter in parameters if parameter.requires_grad]
        gradients = [torch.zeros_like(owner) if owner.grad is None else owner.grad for owner in owners]
        vector_to_parameters(self.sum_(parameters_to_vector(gradients)), gradients)
        for owner, gradient in zip(owners, gradients, strict=True):
            owner.grad = gradient

    def wait(self) -> None:
        """Wait for all processes."""
        if self.processes > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()

    def generator(self, *seeds: int) -> torch.Generator:
        """Return a generator on the device, seeded by all the given numbers."""
        mixed = 0
        for seed in seeds:
            mixed = (mixed * 1_000_003 + seed + 1) % (2**63 - 1)
        return torch.Generator(device=self.device).manual_seed(mixed)


def working_memory(usual_mb: int) -> int:
    """Return the bytes that a block of scores or logits may take.

    Args:
        usual_mb: unless $TRANSFER_MEMORY_MB is less.
    """
    given = os.environ.get(MEMORY_MB)
    if given is None:
        return usual_mb << 20
    if not given.isdecimal() or int(given) == 0:
        raise SettingsError(
            f"{given!r} is not a number of megabytes", location=MEMORY_MB, hint="Use for example 64", code="environment"
        )
    return min(usual_mb, int(given)) << 20


def _seconds(given: str | None) -> float:
    """Read the seconds between checkpoints from the environment, or return the default."""
    if given is None:
        return Runtime.checkpoint_seconds
    try:
        return max(0.0, float(given))
    except ValueError:
        raise SettingsError(
            f"{given!r} is not a number of seconds",
            location=CHECKPOINT_SECONDS,
            hint="Use for example 60",
            code="environment",
        ) from None
