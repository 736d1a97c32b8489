"""Output of commands: errors, progress, tables. Results go to standard output, everything else to stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Task as RichTask
from rich.progress import TransferSpeedColumn as SpeedColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from domains.errors import InputError
from transfer.progress import LOGGER, ProgressTask, Silent, Steps, TransferWarning, duration
from transfer.progress import Progress as ProgressProtocol
from transfer.report.table_format import Table as ResultTable
from transfer.report.table_format import for_terminal

if TYPE_CHECKING:
    from domains.public_data import PublicData
    from transfer.runtime import Runtime


# Texts are the user's: ':dog:' in a title is no picture.
OUT = Console(emoji=False)
ERR = Console(stderr=True, emoji=False)
LOG_LEVEL = "TRANSFER_LOG_LEVEL"
"""Environment variable with the minimum level of log lines. WARNING also hides progress."""
WORTH_A_LINE = 2.0
"""Minimum duration in seconds of a task without a result that leaves a line."""


def show_error(error: InputError) -> None:
    """Print an error: location, problem and hint."""
    location = "" if error.location is None else f"[bold]{escape(error.location)}[/bold]: "
    _to_stderr(f"[red]Error[/red] {location}{escape(error.problem)}")
    if error.hint:
        _to_stderr(f"      {escape(error.hint)}")


def print_json(data: Any) -> None:
    """Print JSON to standard output."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


class _Bar(ProgressTask):
    """A task with its progress and latest note."""

    def __init__(self, title: str, total: int | None) -> None:
        self.title, self.note = title, ""
        self._counter = Progress(console=ERR, disable=True)
        self._counter.add_task(title, total=total)

    @property
    def counted(self) -> RichTask:
        return self._counter.tasks[0]

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count steps as done, and keep the latest note."""
        self.note = note or self.note
        self._counter.update(self.counted.id, advance=count)

    @property
    def heading(self) -> str:
        """The title and the note."""
        return f"{self.title}: {self.note}" if self.note else self.title

    def lines(self, steps: Steps) -> RenderableType:
        """Return title and metric, and below them bar, steps, speed and time left."""
        counted, share = self.counted, 0.0
        told = [f"{int(counted.completed)}/{'?' if counted.total is None else int(counted.total)}"]
        if counted.total and counted.completed and counted.elapsed:
            share = min(counted.completed / counted.total, 1.0)
            told.append(_speed(counted.completed / counted.elapsed))
            if share < 1:
                told.append(f"{duration(counted.elapsed * (1 / share - 1))} left")
        # A task with a metric is a training, which takes most of a step. The progress of other tasks says little.
        told += [part for part in (steps.position(share if self.note else 0.0),) if part]
        below = Table.grid(padding=(0, 1))
        below.add_row(ProgressBar(total=counted.total, completed=counted.completed, width=12), Text(" · ".join(told)))
        return Group(Text(self.heading), below)


def _speed(a_second: float) -> str:
    """Return steps a second, or seconds a step for slow tasks."""
    if a_second < 1:
        return f"{1 / a_second:.1f} s each"
    return f"{a_second:,.0f}/s" if a_second >= 10 else f"{a_second:.1f}/s"


class Terminal(ProgressProtocol):
    """Shows the running task in two lines of a terminal, and each finished task in one line.

    Args:
        steps: steps of the command, shown with the task.
    """

    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self._open: list[_Bar] = []

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[ProgressTask]:
        """Show a bar while a task runs and a line at its end. An inner task replaces the bar of the outer one."""
        bar = _Bar(title, total)
        live = None
        if ERR.is_terminal and not self._open:
            live = Live(get_renderable=self._shown, console=ERR, transient=True, refresh_per_second=4)
        self._open.append(bar)
        try:
            with live or nullcontext():
                yield bar
        finally:
            self._open.remove(bar)
        seconds = bar.counted.elapsed or 0.0
        if not bar.note and seconds < WORTH_A_LINE:
            return
        count = f"{int(bar.counted.completed)} of {int(bar.counted.total or bar.counted.completed)} in {seconds:.1f} s"
        _to_stderr(f"[green]✓[/green] {escape(bar.heading)} [dim]({count})[/dim]")

    def _shown(self) -> RenderableType:
        return self._open[-1].lines(self.steps) if self._open else Text()


def _to_stderr(text: str) -> None:
    """Print a line of markup to stderr. Only terminals break it."""
    ERR.print(text, highlight=False, soft_wrap=not ERR.is_terminal)


class _LogLines(logging.Handler):
    """Prints log lines without time and level."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line to stderr."""
        _to_stderr(escape(record.getMessage()))


def _print_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Print a warning of the toolkit as a note, or that of a library with its category."""
    kind = "Note" if issubclass(category, TransferWarning) else category.__name__
    _to_stderr(f"[yellow]{kind}:[/yellow] {escape(str(message))}")


def progress_for(silent: bool, steps: Steps | None = None) -> ProgressProtocol:
    """Return the progress of a command: bars, log lines and notes on stderr.

    Args:
        silent: whether to print nothing.
        steps: steps of the command.
    """
    level = os.environ.get(LOG_LEVEL, "INFO")
    LOGGER.handlers[:] = [logging.NullHandler() if silent else _LogLines()]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    warnings.simplefilter("ignore" if silent else "always", TransferWarning)
    warnings.showwarning = _print_warning
    return Silent() if silent or level == "WARNING" else Terminal(steps)


def runtime_for(device: str, silent: bool) -> Runtime:
    """Return the runtime of a command with several steps."""
    from transfer.runtime import Runtime

    steps = Steps()
    return Runtime.current(device, progress_for(silent, steps), steps)


def say(text: str) -> None:
    """Print a line of the result, in markup. The caller escapes texts of the user."""
    # A terminal breaks lines between words; a command to copy stays in one line.
    OUT.print(text, highlight=False, soft_wrap=not OUT.is_terminal or "Next: transfer" in text)


def print_table(table: ResultTable) -> None:
    """Print a table of a report as wide as the terminal; nothing if it has no rows."""
    if table:
        OUT.print(for_terminal(table, OUT.width), highlight=False)


def plain_table(title: str) -> Table:
    """Return an empty table in the style of all commands: a title, a rule under the head, no boxes."""
    return Table(title=Text(title, "bold"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)


LONGEST_TEXT = 160
"""Letters of a title or a reason in a terminal; files and JSON hold all of them."""


def cut(text: str) -> str:
    """Return a text without its middle if it is too long for a table; what is at its end may be an id."""
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 33]} … {text[-30:]}"


def print_plain(table: Table) -> None:
    """Print a table of `plain_table`; its title is as wide as the terminal, not as the table."""
    title, table.title = table.title, None
    if title:
        OUT.print(title, soft_wrap=not OUT.is_terminal)
    OUT.print(table)


def total_size(data: PublicData) -> str:
    """Return the size of all files by the servers, or by the catalogue if a server does not say.

    Raises:
        InputError: a server cannot be reached or has no such file.
    """
    from domains.fetch import remote_size

    sizes = [remote_size(url) for url in data.urls]
    known = [size for size in sizes if size is not None]
    return f"{sum(known) / 1e6:,.1f} MB" if len(known) == len(sizes) else f"about {data.size}"


class Downloads:
    """One bar for each file; `domains.fetch` calls it during the download."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, name: str, here: int, total: int | None) -> None:
        """Move the bar of a file."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._bars[name], completed=here)
