"""What this machine can do at best: the floors that every measurement is held against."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.timing import fastest


@dataclass(frozen=True)
class Machine:
    """The machine and its measured limits.

    Attributes:
        date: of the measurement.
        processor: its model.
        cores: that the tensor library uses.
        memory_gb: installed.
        torch: version.
        gflops: float32 matrix multiply of 2048 x 2048, 10^9 operations a second.
        copy_gb_s: bytes read plus bytes written by a copy of 256 MB, 10^9 a second.
    """

    date: str
    processor: str
    cores: int
    memory_gb: float
    torch: str
    gflops: float
    copy_gb_s: float


def measure_machine() -> Machine:
    """Measure the limits; a few seconds."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        processor=_processor(),
        cores=torch.get_num_threads(),
        memory_gb=round(pages / 2**30, 1),
        torch=torch.__version__,
        gflops=matmul_peak(),
        copy_gb_s=copy_peak(),
    )


def matmul_peak(size: int = 2048) -> float:
    """10^9 float32 operations a second of a square matrix multiply that fills the cores."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    out = torch.empty(size, size)
    return 2 * size**3 / fastest(lambda: torch.mm(left, right, out=out), 10) / 1e9


def copy_peak(floats: int = 1 << 26) -> float:
    """10^9 bytes a second, read and written, of a copy that fits no cache."""
    source = torch.randn(floats)
    target = torch.empty(floats)
    return 2 * 4 * floats / fastest(lambda: target.copy_(source), 5) / 1e9


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
