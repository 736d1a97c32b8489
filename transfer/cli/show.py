"""How things look in a terminal: errors, progress, tables. Results go to standard output, all else to stderr."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Task as RichTask
from rich.table import Table
from rich.text import Text

from domains.errors import InputError
from transfer.progress import LOGGER, Silent, Task, TransferWarning
from transfer.progress import Progress as ProgressProtocol
from transfer.report.numbers import difference_text, p_text, relative_text

# Texts are the user's: ':dog:' in a title is no picture.
OUT = Console(emoji=False)
ERR = Console(stderr=True, emoji=False)


def show_error(error: InputError) -> None:
    """One message: the location, the problem, the hint."""
    location = "" if error.location is None else f"[bold]{escape(error.location)}[/bold]: "
    ERR.print(f"[red]Error[/red] {location}{escape(error.problem)}", soft_wrap=True, highlight=False)
    if error.hint:
        ERR.print(f"      {escape(error.hint)}", soft_wrap=True, highlight=False)


def print_json(data: Any) -> None:
    """Plain JSON on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


class _Speed(ProgressColumn):
    """Steps a second, or seconds a step where that reads better."""

    def render(self, task: RichTask) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each", style="dim")


class _Bar(Task):
    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self.progress = progress
        self.id = progress.add_task(title, total=total, note="")

    def advance(self, count: int = 1, note: str = "") -> None:
        """Move the bar."""
        self.progress.update(self.id, advance=count, note=note)


class Terminal(ProgressProtocol):
    """Bars with speed and time left in a terminal; one line a finished task elsewhere."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Task]:
        """A bar while the work goes on, a line when it is done."""
        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn(), _Speed(),
            TimeRemainingColumn(compact=True), TextColumn("{task.fields[note]}", style="dim", markup=False),
        )  # fmt: skip
        with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
            bar = _Bar(progress, title, total)
            yield bar
            done = progress.tasks[0]
        note = f": {done.fields['note']}" if done.fields["note"] else ""
        line = f"[green]✓[/green] {escape(title)}{escape(note)} [dim]({_count(done)})[/dim]"
        ERR.print(line, highlight=False, soft_wrap=True)


def _count(task: RichTask) -> str:
    seconds = task.elapsed or 0.0
    return f"{int(task.completed)} of {int(task.total or task.completed)} in {seconds:.1f} s"


class _LogLines(logging.Handler):
    """Log lines of the toolkit as they are, without time and level."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line to stderr."""
        ERR.print(escape(record.getMessage()), highlight=False, soft_wrap=True)


def _print_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """A warning of the toolkit as a note; one of a library with its kind."""
    kind = "Note" if issubclass(category, TransferWarning) else category.__name__
    ERR.print(f"[yellow]{kind}:[/yellow] {escape(str(message))}", highlight=False, soft_wrap=True)


def progress_for(quiet: bool) -> ProgressProtocol:
    """What a command reports to: bars, log lines and notes on stderr, or nothing at all."""
    LOGGER.handlers[:] = [logging.NullHandler() if quiet else _LogLines()]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    warnings.simplefilter("ignore" if quiet else "always", TransferWarning)
    warnings.showwarning = _print_warning
    return Silent() if quiet else Terminal()


def say(text: str) -> None:
    """A line of result, in markup: what a user wrote is escaped by the caller."""
    OUT.print(text, highlight=False, soft_wrap=True)


def metrics_table(metrics: Mapping[str, Any], stage: str = "test") -> Table:
    """Variants by metric; the best of each column stands out, an arrow marks the product.

    The first column is what selects, of the users that train; the others are of all users who are tested.
    """
    columns = [
        ("full", "ndcg@10"),
        ("full", "hit@10"),
        ("sampled", "ndcg@10"),
        ("sampled", "hit@10"),
        ("sampled", "auc"),
    ]
    seeds = len(metrics["seeds"])
    spread = f"mean ± standard deviation of {seeds} seeds" if seeds > 1 else "one seed"
    tested = metrics["protocol"].get("test_users")  # an artifact of an earlier version does not say
    users = "" if tested is None else f"{tested:,} users · "
    table = plain_table(f"{metrics['domain']} · {stage} · {users}{spread}")
    table.add_column("variant", overflow="fold")
    protocol, metric = metrics["product"]["metric"].split("/", 1)
    table.add_column(f"valid. {protocol}\n{_pretty(metric)}", justify="right", no_wrap=True)
    for protocol, metric in columns:
        table.add_column(f"{protocol}\n{_pretty(metric)}", justify="right", no_wrap=True)
    cells = {
        name: [values["selection"], *(values[stage][p][m] for p, m in columns)]
        for name, values in metrics["variants"].items()
        if values[stage]["full"]
    }
    best = [max((row[i]["mean"] for row in cells.values()), default=0.0) for i in range(len(columns) + 1)]
    for name, row in cells.items():
        texts = [_figure(value, top, seeds) for value, top in zip(row, best, strict=True)]
        if not metrics["protocol"]["training_users"]:
            texts[0] = "-"
        product = name == metrics["product"]["variant"]
        table.add_row(f"[green]▶[/green] {escape(name)}" if product else f"  {escape(name)}", *texts)
    return table


def _figure(value: Mapping[str, Any], best: float, seeds: int) -> str:
    spread = f"\n±{value['std']:.4f}" if seeds > 1 and len(value["values"]) > 1 else ""
    text = f"{value['mean']:.4f}{spread}"
    return f"[bold]{text}[/bold]" if value["mean"] == best else text


def print_comparisons(comparisons: Sequence[Mapping[str, Any]]) -> None:
    """Who beats whom, by how much, and how sure that is; what may be chance is dim, and nothing where nobody is."""
    if not comparisons:
        return
    table = plain_table("Test NDCG@10, full ranking, paired over users")
    table.add_column("variant against rival", overflow="fold")
    for heading in ("gain", "relative", "95 % interval", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for c in comparisons:
        style = None if c["low"] > 0 or c["high"] < 0 else "dim"
        interval = f"{difference_text(c['low'])} {difference_text(c['high'])}"
        names = f"{escape(c['variant'])} against {escape(c['baseline'])}"
        difference, relative = difference_text(c["difference"]), relative_text(c["relative"])
        p = p_text(c["p_users"]).replace(" ", "")  # terminals are narrow
        table.add_row(names, difference, relative, interval, p, style=style)
    OUT.print(table)


def plain_table(title: str) -> Table:
    """The look of every table: a title, shown as it is, a rule under the head, no boxes."""
    return Table(title=Text(title, "bold"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)


def _pretty(metric: str) -> str:
    name, at, cutoff = metric.partition("@")
    return {"hit": "Hit"}.get(name, name.upper()) + at + cutoff
