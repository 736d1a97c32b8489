"""Where and how things run: device, processes, progress. One value, handed down; nothing reads it from elsewhere."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from domains.errors import InputError
from transfer.progress import LOGGER, Progress, Silent, TransferWarning

CHECKPOINT_SECONDS = "TRANSFER_CHECKPOINT_SECONDS"
"""Environment variable for `Runtime.checkpoint_seconds`."""


@dataclass(frozen=True)
class Runtime:
    """What a run may use.

    Attributes:
        device: where tensors live.
        rank: this process, from 0.
        processes: how many work on the same run, data-parallel.
        progress: where long work reports to.
        checkpoint_seconds: how long a training goes on before its state is kept again; a kill costs that much work.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    rank: int = 0
    processes: int = 1
    progress: Progress = field(default_factory=Silent)
    checkpoint_seconds: float = 60.0

    @classmethod
    def current(cls, device: str = "auto", progress: Progress | None = None) -> Runtime:
        """What `accelerate launch` or `torchrun` started, or a single process.

        Args:
            device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
            progress: shown by the first process only.
        """
        if device not in {"auto", "cpu"} and not device.startswith("cuda"):
            raise InputError(f"unknown device {device!r}", location="--device", hint="Use auto, cpu or cuda")
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise InputError("no CUDA device is available", location="--device", hint="Use --device cpu or auto")
        shown = progress or Silent()
        seconds = _seconds(os.environ.get(CHECKPOINT_SECONDS))
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
            first = state.process_index == 0
            shown = shown if first else Silent()
            return cls(state.device, state.process_index, state.num_processes, shown, seconds)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(torch.device(device), progress=shown, checkpoint_seconds=seconds)

    def log(self, text: str) -> None:
        """Log a line, from the first process only."""
        if self.is_main:
            LOGGER.info(text)

    def warn(self, text: str) -> None:
        """Warn of something that was overruled or skipped, from the first process only."""
        if self.is_main:
            warnings.warn(text, TransferWarning, stacklevel=3)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """The rows of a batch that this process works on; every process must hand in the same batch."""
        return rows[self.rank :: self.processes]

    def sum_(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place."""
        if self.processes > 1:
            torch.distributed.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Add up the gradients of all processes, so that each holds those of the whole batch."""
        if self.processes == 1:
            return
        owners = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in owners:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in owners if parameter.grad is not None]
        flat = self.sum_(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def wait(self) -> None:
        """Until every process is here."""
        if self.processes > 1:
            torch.distributed.barrier()

    def generator(self, *seeds: int) -> torch.Generator:
        """A generator on the device whose stream depends on all the given numbers."""
        mixed = 0
        for seed in seeds:
            mixed = (mixed * 1_000_003 + seed + 1) % (2**63 - 1)
        return torch.Generator(device=self.device).manual_seed(mixed)


def _seconds(given: str | None) -> float:
    """The seconds between checkpoints that the environment asks for, or the default."""
    if given is None:
        return Runtime.checkpoint_seconds
    try:
        return max(0.0, float(given))
    except ValueError:
        raise InputError(
            f"{given!r} is no number of seconds", location=CHECKPOINT_SECONDS, hint="Write for example 60"
        ) from None
