"""What a finished experiment prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from transfer.cli.show import OUT, metrics_table, print_comparisons, print_json, say
from transfer.report.experiment_record import ExperimentRecord
from transfer.report.tables import title_of


def print_experiment(made: ExperimentRecord, folder: Path, as_json: bool) -> None:
    """One table a cell, the gains over the bases, and where the report is."""
    record = {**made.as_dict(), "cells": [{**cell.as_dict(), "bases": cell.bases} for cell in made.cells]}
    if as_json:
        print_json(made.as_dict())
        return
    for cell in record["cells"]:
        metrics = cell["metrics"]
        say(f"\n[bold]{escape(title_of(cell))}[/bold]")
        OUT.print(metrics_table(metrics))
        print_comparisons([one for one in metrics["comparisons"] if _worth_showing(one, cell)])
    for row in (record["cost"] or {}).get("rows", ()):
        say(
            f"{row['model']:10s} {row['items']:>9,} items: {row['parameters_m']:8.2f} M parameters, "
            f"{row['train_s']:.2f} s an epoch, {row['evaluate_s']:.2f} s to evaluate"
        )
    report = escape(str(folder / "report.html"))
    say(f"\nThe report is [bold]{report}[/bold]; table.md and metrics.json stand beside it.")


def _worth_showing(comparison: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    """Full ranking, each variant against its base; the rest is in the report."""
    return comparison["metric"] == "full/ndcg@10" and cell["bases"].get(comparison["variant"]) == comparison["baseline"]
