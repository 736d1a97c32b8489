"""Results as data, on the terminal and as a page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine

Cell = str | int | float | None


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        title: what is compared.
        columns: headings.
        rows: cells; numbers are formatted here, None is "-".
        notes: what a reader must know to judge it.
    """

    title: str
    columns: list[str]
    rows: list[list[Cell]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What one part found.

    Attributes:
        part: its name.
        machine: where.
        quick: whether sizes were small; such a report never enters the page.
        sections: its tables.
    """

    part: str
    machine: Machine
    quick: bool
    sections: list[Section]

    def save(self, folder: Path) -> None:
        """Write ``<part>.json``, complete or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{self.part}.json"
        unfinished.write_text(json.dumps(asdict(self), indent=2) + "\n")
        unfinished.replace(folder / f"{self.part}.json")

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read what `save` wrote."""
        data: dict[str, Any] = json.loads(path.read_text())
        sections = [Section(**section) for section in data["sections"]]
        return cls(data["part"], Machine(**data["machine"]), data["quick"], sections)


def shown(cell: Cell) -> str:
    """A cell as text: three significant digits, thousands separated."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.3g}"


def show(report: Report, console: Console) -> None:
    """Print the tables of a report."""
    for section in report.sections:
        table = Table()
        for number, column in enumerate(section.columns):
            table.add_column(column, justify="left" if number == 0 else "right")
        for row in section.rows:
            table.add_row(*map(shown, row))
        console.print(section.title, table, *section.notes, sep="\n", markup=False, highlight=False)


def page(reports: list[Report]) -> str:
    """The reports as Markdown."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks`; each part says when and on what it was measured. Compared things ran in",
        "turns in one run, and the fastest turn counts. The peak of the machine is a float32 matrix multiply of",
        "2048 x 2048, its bandwidth a copy that fits no cache; a share of the peak says how near to it a number is.",
    ]
    for report in reports:
        machine = report.machine
        lines += [
            "",
            f"## {report.part.capitalize()}",
            "",
            f"{machine.date}, {machine.processor}, {machine.cores} cores, {machine.memory_gb} GiB, "
            f"torch {machine.torch}, peak {machine.gflops:.0f} GFLOP/s, copy {machine.copy_gb_s:.1f} GB/s; "
            f"`python -m benchmarks {report.part}`",
        ]
        for section in report.sections:
            lines += ["", f"### {section.title}", "", _row(section.columns), _row(["---"] * len(section.columns))]
            lines += [_row([shown(cell) for cell in row]) for row in section.rows]
            lines += [""] if section.notes else []
            lines += [f"- {note}" for note in section.notes]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
