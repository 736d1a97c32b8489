"""``python -m benchmarks [PART ...]``: measure, print, keep as JSON, and write the page."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.machine import measure_machine
from benchmarks.options import Options
from benchmarks.synthetic import Size
from benchmarks.tables import Report, page, show
from transfer.memory import reuse_memory

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "benchmarks.md"
PARTS = (
    "run",
    "peers",
    "learning",
    "quality",
    "reverse",
    "s2idm",
    "prompts",
    "evaluation",
    "scale",
    "whole",
    "batch",
    "startup",
    "unisrec",
    "sentence_vectors",
    "languages",
)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Which parts: {', '.join(PARTS)}; all by default.")] = None,
    quick: Annotated[
        bool, typer.Option(help="Small sizes: shows that it runs, says little; never on the page.")
    ] = False,
    data: Annotated[Path, typer.Option(help="Folder with real data (interactions.parquet, items.parquet).")] = (
        HERE.parent.parent / "shared" / "data" / "amazon_toys"
    ),
    cache: Annotated[Path, typer.Option(help="Folder for the peers' environments and made-up data.")] = HERE.parent
    / "build"
    / "benchmarks",
    repeats: Annotated[int, typer.Option(min=1, help="Turns of what is compared.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs that peers and our model train.")] = 10,
    minutes: Annotated[float, typer.Option(min=0.1, help="Minutes that the peer of `quality` trains.")] = 30.0,
    users: Annotated[int | None, typer.Option(min=100, help="Users of made-up domains: run, whole, batch.")] = None,
    items: Annotated[int | None, typer.Option(min=100, help="Items of made-up domains: run, whole, batch.")] = None,
) -> None:
    """Measure named parts, print their tables, and write them to benchmarks/results and docs/benchmarks.md."""
    reuse_memory()  # as every command of the toolkit does
    console = Console(width=150)
    unknown = sorted(set(parts or ()) - set(PARTS))
    if unknown:
        raise typer.BadParameter(f"no part is called {unknown[0]!r}; known: {', '.join(PARTS)}")
    if (users is None) != (items is None):
        raise typer.BadParameter("give both --users and --items, or neither")
    size = None if users is None or items is None else Size(users, items)
    for part in parts or PARTS:
        options = Options(measure_machine(), data, cache.resolve(), quick, repeats, epochs, minutes, size)
        sections = importlib.import_module(f"benchmarks.parts.{part}").run(options)
        report = Report(part, options.machine, quick, sections)
        show(report, console)
        if not quick:
            report.save(RESULTS)
    if not quick:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page([Report.load(path) for part in PARTS if (path := RESULTS / f"{part}.json").exists()]))


if __name__ == "__main__":
    app()
