"""What the command line decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.synthetic import Size

MEMORY_LIMIT_GB = 12
"""No measurement may need more."""


@dataclass(frozen=True)
class Options:
    """Handed to every part.

    Attributes:
        machine: where it runs, and its limits.
        data: folder with real data, if there is one.
        cache: folder for peers' environments and made-up data.
        quick: small sizes.
        repeats: turns of what is compared.
        epochs: that peers and our model train.
        minutes: that the peer of `quality` trains.
        size: of made-up domains of `run`, `whole` and `batch`; None for the part's own size.
    """

    machine: Machine
    data: Path
    cache: Path
    quick: bool
    repeats: int
    epochs: int
    minutes: float
    size: Size | None
