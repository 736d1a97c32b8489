"""Progress, told once and shown by whoever listens: a terminal, a log file, or nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


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

    def say(self, text: str) -> None:
        """One line for the person who waits."""
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

    def say(self, text: str) -> None:
        """Nothing."""


def track(progress: Progress, items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Iterate while reporting one step an item."""
    with progress.task(title, total) as task:
        for item in items:
            yield item
            task.advance()
