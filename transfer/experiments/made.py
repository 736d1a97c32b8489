"""Record the provenance of results: date, machine, versions and command."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from recipes.experiment_schema import LoadedExperiment
from recipes.load import bundled_experiments, bundled_recipes
from transfer.report.experiment_record import Made


def made_note(loaded: LoadedExperiment, device: torch.device, quick: bool, overrides: Sequence[str]) -> Made:
    """Return date, machine, versions, and the command that reproduces the results."""
    return Made(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=_machine(device),
        torch=torch.__version__,
        release=_release(),
        quick=quick,
        command=_command(loaded, quick, overrides),
    )


def _machine(device: torch.device) -> str:
    cores = os.cpu_count() or 1
    machine = f"{_processor()}, {cores} cores"
    return machine if device.type == "cpu" else f"{torch.cuda.get_device_name(device)}; {machine}"


def _processor() -> str:
    """Return the processor's model name on Linux, and Python's description elsewhere."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _release() -> str:
    try:
        return version("sememe-transfer")
    except PackageNotFoundError:
        return "not installed"


def _command(loaded: LoadedExperiment, quick: bool, overrides: Sequence[str]) -> str:
    bundled = bundled_recipes() | bundled_experiments()
    name = loaded.path.stem if bundled.get(loaded.path.stem) == loaded.path else loaded.path.name
    options = [*(f"--set {override}" for override in overrides), *(["--quick"] if quick else [])]
    return " ".join(["transfer", "experiment", name, *options])
