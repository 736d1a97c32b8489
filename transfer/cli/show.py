"""How things look in a terminal: errors, progress, tables. Results go to standard output, all else to stderr."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator
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
from transfer.report.table import Table as ResultTable
from transfer.report.terminal import for_terminal

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


def print_table(table: ResultTable) -> None:
    """Print a table of a report as wide as the terminal; nothing if it has no rows."""
    if table:
        OUT.print(for_terminal(table, OUT.width), highlight=False)


def plain_table(title: str) -> Table:
    """The look of every table: a title, shown as it is, a rule under the head, no boxes."""
    return Table(title=Text(title, "bold"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
