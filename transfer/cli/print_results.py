"""Print the results of a run or an experiment."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from domains.printable import printable
from transfer.cli.output import print_json, print_table, say
from transfer.report.experiment_record import ExperimentRecord
from transfer.report.gains import cell_verdict, verdict
from transfer.report.result_tables import comparisons, costs, results, target_groups
from transfer.report.run_record import RunRecord
from transfer.report.table_format import plain, sentence_list

FEW = 50
"""With fewer users, a note says that figures may be chance."""


def print_target(record: RunRecord, folder: Path, as_json: bool, report: Path | None = None) -> None:
    """Print the verdict, the figures, the notes and the next command."""
    if as_json:
        print_json(record.as_dict())
        return
    print_table(results(record))
    print_table(comparisons(record))
    if any(group.name == "tied" for group in record.target_groups):
        print_table(target_groups(record))
    say(f"[bold]{_safe(cell_verdict(record))}[/bold]")
    for note in _notes(record):
        say(f"[yellow]Note:[/yellow] {_safe(note)}")
    place, user = _safe(str(folder)), _safe(record.example_user)
    if report is not None:
        say(f"The report is [bold]{_safe(str(report))}[/bold].")
    say(f"Everything is in [bold]{place}[/bold]. Next: transfer recommend {place} --user {user}")


def _notes(record: RunRecord) -> list[str]:
    """Return notes about the figures: few users, a product that is not the best, skipped variants."""
    notes, protocol = [], record.protocol
    if protocol.training_users:
        for what, users in (("validation", protocol.validation_users), ("test", protocol.test_users)):
            if users < FEW:
                notes.append(f"only {users} users have a {what} item: too few for conclusions.")
    better = record.product.beaten_by
    if better:
        names, score = sentence_list(better), "scores" if len(better) == 1 else "score"
        notes.append(f"{names} {score} higher on validation, but not significantly, so the simpler model is served.")
    return notes + [f"{name} was skipped: {reason}." for name, reason in record.skipped.items()]


def _safe(text: str) -> str:
    return escape(printable(plain(text)))


def print_experiment(record: ExperimentRecord, folder: Path, as_json: bool) -> None:
    """Print metrics of each cell, gains over the bases, the verdict, and the location of the report."""
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
