"""Progress bars, log lines and warnings. The calling program decides how to show them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")

LOGGER = logging.getLogger("transfer")
"""Logger of the toolkit."""


class TransferWarning(UserWarning):
    """Something requested was overruled or skipped."""


class Task(Protocol):
    """A task with progress."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count more steps as done, and show a note."""
        ...


class Progress(Protocol):
    """Shows the progress of long tasks."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Task]:
        """Open a task of `total` steps (None: unknown)."""
        ...


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        """Nothing."""


class Silent:
    """Shows no progress; the default of the library."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Task]:
        """Return a task without output."""
        yield _SilentTask()


def track(progress: Progress, items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Iterate over the items and report one step for each."""
    with progress.task(title, total) as task:
        for item in items:
            yield item
            task.advance()
