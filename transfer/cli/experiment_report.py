"""What a finished experiment prints."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from domains.printable import printable
from transfer.cli.show import print_json, print_table, say
from transfer.report.experiment_record import ExperimentRecord
from transfer.report.gains import verdict
from transfer.report.result_tables import comparisons, costs, results
from transfer.report.table_format import plain


def print_experiment(record: ExperimentRecord, folder: Path, as_json: bool) -> None:
    """Print the figures of each cell, the gains over the bases, the verdict, and where the report is."""
    if as_json:
        print_json(record.as_dict())
        return
    for cell in record.cells:
        say(f"\n[bold]{escape(printable(cell.title))}[/bold]")
        print_table(results(cell.metrics))
        print_table(comparisons(cell.metrics, bases=cell.bases))
    if record.cost is not None:
        print_table(costs(record.cost))
    say(f"\n[bold]{escape(printable(plain(verdict(record))))}[/bold]")
    report = escape(printable(str(folder / "report.html")))
    say(f"The report is [bold]{report}[/bold]; table.md and metrics.json are beside it.")
