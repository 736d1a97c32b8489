"""Progress bars, log lines and warnings. A program that uses the toolkit decides where each goes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")

LOGGER = logging.getLogger("transfer")
"""What the toolkit says while it works."""


class TransferWarning(UserWarning):
    """Something that was asked for was overruled or skipped."""


class Task(Protocol):
    """One thing that takes a while."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count more steps as done and say the latest of it."""
        ...


class Progress(Protocol):
    """Where long work reports to."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Task]:
        """Open a task of `total` steps (None: unknown)."""
        ...


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        """Nothing."""


class Silent:
    """Shows nothing; the default of the library."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Task]:
        """A task that nobody watches."""
        yield _SilentTask()


def track(progress: Progress, items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Iterate while reporting one step an item."""
    with progress.task(title, total) as task:
        for item in items:
            yield item
            task.advance()
