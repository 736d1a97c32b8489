"""Where every second of a whole run goes: by step, as a table with a bar and a floor."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.data import real_tables
from benchmarks.options import Options
from benchmarks.synthetic import Size, write_tables
from benchmarks.tables import Cell, Section
from recipes.load import load_recipe
from transfer.progress import Steps
from transfer.runs.pipeline import run_plan
from transfer.runs.plan import make_plan
from transfer.runtime import Runtime

DEFAULT = Size(2_000, 2_000)
"""Size of each made-up domain."""
WIDTH = 40
"""Characters of the longest bar."""
START, READ = "start: imports", "read and prepare the domains"
IMPORTED = "import transfer.cli.main, transfer.runs.pipeline"
QUICK = ("s2idm.epochs=2", "s2idm.hidden=64", "training.base_epochs=2", "training.epochs=2", "sample_users=300")
PRODUCTS = (torch.ops.aten.mm, torch.ops.aten.addmm)
VARIANTS = "[popular, transitions, sasrec, sasrec+ipe+s2idm]"


@dataclass
class Clock(Steps):
    """Amounts by step: seconds, or operations, of whatever `read` counts."""

    read: Callable[[], float] = time.perf_counter
    spent: dict[str, float] = field(default_factory=dict)
    _name: str = ""
    _from: float = 0.0

    def begin(self, name: str) -> None:
        """End the step at work and begin another."""
        now = self.read()
        if self._name:
            self.spent[self._name] = self.spent.get(self._name, 0.0) + now - self._from
        self._name, self._from = name, now


def run(options: Options) -> list[Section]:
    """The bundled pair, real data where it is, and two made-up domains of the size that was asked for."""
    changes = QUICK if options.quick else ()
    sections = [_section("Books to films, bundled", "book_to_film", changes, options)]
    with tempfile.TemporaryDirectory() as folder:
        tables = real_tables(options.data)
        if tables is not None:
            path = Path(folder) / f"{options.data.name}.yaml"
            path.write_text(yaml.safe_dump({"sources": [], "target": tables}))
            sections.append(_section(f"{options.data.name}, the default variants", str(path), changes, options))
        size = options.size or DEFAULT
        recipe = _synthetic(size, Path(folder))
        title = f"Synthetic, {size.users:,} users and {size.items:,} items a domain"
        sections.append(_section(title, str(recipe), changes, options))
    return sections


def _synthetic(size: Size, folder: Path) -> Path:
    domains = []
    for seed, name in enumerate(("source", "target")):
        acts, items = write_tables(size, folder / name, seed)
        prepare = {"min_item_interactions": 0}
        domains.append({"name": name, "interactions": str(acts), "items": str(items), "prepare": prepare})
    data = {"sources": domains[:1], "target": domains[1], "variants": yaml.safe_load(VARIANTS)}
    path = folder / "synthetic.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def _section(title: str, recipe: str, changes: tuple[str, ...], options: Options) -> Section:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTED], check=True)
    started = time.perf_counter() - began
    seconds = _run(recipe, changes, Clock())
    # A run of its own: counting takes time.
    with FlopCounterMode(display=False, custom_mapping=dict.fromkeys(PRODUCTS, operations_of)) as counter:
        operations = _run(recipe, changes, Clock(read=counter.get_total_flops))
    spent = {START: started, **seconds}
    whole, longest = sum(spent.values()), max(spent.values())
    rows: list[list[Cell]] = []
    for step, took in spent.items():
        floor = operations.get(step, 0.0) / options.machine.gflops / 1e9
        rows.append([step, took, f"{took / whole:.0%}", floor or None, bar(took, floor, longest)])
    every = sum(operations.values()) / options.machine.gflops / 1e9
    rows.append(["the whole run", whole, "100%", every, ""])
    return Section(
        title,
        ["step", "seconds", "share", "floor, s", "█ floor, ░ the rest"],
        rows,
        [
            f"`{' '.join(['transfer run', Path(recipe).stem, *(f'--set {one}' for one in changes)])}` in one process, "
            "nothing cached. A variant's step holds its training, the base that it shares with others where it comes "
            "first, validation, and both rankings.",
            "Floor: matrix products, counted in a second run, at the peak of this machine. Steps without a floor read, "
            "count or write.",
        ],
    )


def operations_of(*arguments: Any, out_val: Any = None, **options: Any) -> int:
    """Operations of a product of the last two arguments; torch would count a sparse matrix as a dense one."""
    left, right = arguments[-2:]
    return round(2 * left.shape[0] * left.shape[1] * right.shape[1] * _density(left) * _density(right))


operations_of._get_raw = True  # type: ignore[attr-defined]  # torch passes tensors, not their shapes


def _density(matrix: Tensor) -> float:
    return 1.0 if matrix.layout is torch.strided else matrix._nnz() / max(1, matrix.numel())


def bar(took: float, floor: float, longest: float) -> str:
    """A bar as long as the step took, of which the floor is solid."""
    length = max(1, round(WIDTH * took / longest))
    solid = min(length, round(WIDTH * floor / longest))
    return "█" * solid + "░" * (length - solid)


def _run(recipe: str, changes: tuple[str, ...], clock: Clock) -> dict[str, float]:
    """What each step of a run spent; the run and its caches are thrown away."""
    before = os.environ.get("TRANSFER_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRANSFER_CACHE"] = folder
        try:
            runtime = Runtime(steps=clock)
            clock.begin(READ)
            plan = make_plan(load_recipe(recipe, list(changes)))
            run_plan(plan, Path(folder), runtime)
            clock.begin("end")
        finally:
            os.environ.pop("TRANSFER_CACHE")
            if before is not None:
                os.environ["TRANSFER_CACHE"] = before
    return clock.spent
