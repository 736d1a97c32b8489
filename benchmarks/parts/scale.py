"""From raw files to ranks as users and items grow: time and peak memory of every stage, in fresh processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.options import Options
from benchmarks.tables import Cell, Section

ROOT = Path(__file__).parents[2]
USERS = ((10_000, 10_000), (30_000, 20_000), (100_000, 50_000), (300_000, 100_000), (1_000_000, 200_000))
ITEMS = ((100_000, 10_000), (100_000, 100_000), (100_000, 1_000_000))


def run(options: Options) -> list[Section]:
    """Users grow, then items grow."""
    grow = (((2_000, 1_000), (4_000, 2_000)), ((2_000, 1_000), (2_000, 4_000))) if options.quick else (USERS, ITEMS)
    titles = ("Users grow (ten interactions each)", "Items grow")
    return [_section(title, sizes, options) for title, sizes in zip(titles, grow, strict=True)]


def _section(title: str, sizes: tuple[tuple[int, int], ...], options: Options) -> Section:
    found = [measured(users, items, options.cache) for users, items in sizes]
    stages = list(found[0]["seconds"])
    rows: list[list[Cell]] = []
    for (users, items), result in zip(sizes, found, strict=True):
        taken = [result["seconds"][stage] for stage in stages]
        rows.append(
            [
                f"{users:,} x {items:,}",
                result["interactions"],
                result["anchors"],
                *taken,
                sum(taken),
                result["peak_mb"] / 1024,
            ]
        )
    notes = [
        "Seconds by stage, in the order they run. Prepare: Parquet files to a domain. Vocabulary: "
        "titles to anchors. S2IDM: a hundred training steps. Infer: generalised interests of every user. Epoch: "
        "one of SASRec with one negative. Evaluate: ten thousand users on all items and on 999 negatives.",
        "Memory: the largest resident set of the process that ran all stages.",
        *_growth(sizes, found),
    ]
    return Section(title, ["users x items", "interactions", "anchors", *stages, "all, s", "peak GiB"], rows, notes)


def _growth(sizes: tuple[tuple[int, int], ...], found: list[dict[str, Any]]) -> list[str]:
    """How much longer each stage takes at the largest size than at the smallest."""
    first, last = found[0], found[-1]
    grown = ", ".join(f"{stage} {last['seconds'][stage] / took:.1f} x" for stage, took in first["seconds"].items())
    factor = f"users {sizes[-1][0] / sizes[0][0]:g} x, items {sizes[-1][1] / sizes[0][1]:g} x"
    return [f"From the smallest to the largest ({factor}): {grown}; memory {last['peak_mb'] / first['peak_mb']:.1f} x."]


def measured(users: int, items: int, cache: Path, command: str = "measure") -> dict[str, Any]:
    """Write made-up tables and return what `benchmarks.pipeline` measured on them in a fresh process."""
    folder = cache / f"{command}-{users}-{items}"
    return in_fresh_processes(
        folder, *(("benchmarks.pipeline", one, str(users), str(items)) for one in ("write", command))
    )


def in_fresh_processes(folder: Path, *scripts: tuple[str, ...]) -> dict[str, Any]:
    """Run modules with their arguments and a folder, return what they left in its ``measured.json``, and remove it."""
    try:
        for script in scripts:
            subprocess.run([sys.executable, "-m", *script, str(folder)], cwd=ROOT, check=True)
        result: dict[str, Any] = json.loads((folder / "measured.json").read_text())
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)
