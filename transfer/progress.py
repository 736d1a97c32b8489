"""Progress bars, log lines, warnings, and the planned steps of a long command."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")

LOGGER = logging.getLogger("transfer")
"""Logger of the toolkit."""


class TransferWarning(UserWarning):
    """Something requested was overruled or skipped."""


class ProgressTask(Protocol):
    """A task with progress."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count more steps as done, and show a note."""
        ...


class Progress(Protocol):
    """Shows the progress of long tasks."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[ProgressTask]:
        """Open a task of `total` steps (None: unknown)."""
        ...


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        """Nothing."""


class Silent:
    """Shows no progress; the default of the library."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[ProgressTask]:
        """Return a task without output."""
        yield _SilentTask()


def track(progress: Progress, items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Iterate over the items and report one step for each."""
    with progress.task(title, total) as task:
        for item in items:
            yield item
            task.advance()


VOCABULARY, S2IDM, SOURCE_ENCODER, TITLES, RESULTS = (
    "vocabulary",
    "S2IDM",
    "source encoder",
    "item texts",
    "tables and files",
)
"""Names of the steps other than variants."""
TOO_SHORT = 0.2
"""Shorter steps correct no estimate: their results existed already."""


def step_name(label: str, seed: int | None) -> str:
    """Return the name of the step that makes a variant; baselines have no seed."""
    return label if seed is None else f"{label} · seed {seed}"


@dataclass(frozen=True)
class PlannedStep:
    """A step that is ahead.

    Attributes:
        name: unique within a command.
        seconds: rough estimate.
        kind: estimates of one kind are wrong by the same factor.
    """

    name: str
    seconds: float
    kind: str


@dataclass
class Steps:
    """The plan of a command. Each finished step corrects the estimates of its kind.

    Attributes:
        ahead: all steps in order; if empty, nothing is logged.
        clock: seconds.
    """

    ahead: tuple[PlannedStep, ...] = ()
    clock: Callable[[], float] = time.monotonic
    _at: int | None = None
    _began: float = 0.0
    _told: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def expect(self, steps: Sequence[PlannedStep]) -> None:
        """Set the plan."""
        self.ahead, self._at = tuple(steps), None

    def begin(self, name: str) -> None:
        """End the current step and begin another. Steps that were not planned are ignored."""
        place = next((place for place, step in enumerate(self.ahead) if step.name == name), None)
        if place is None or place == self._at:
            return
        self._measure()
        self._at, self._began = place, self.clock()
        LOGGER.info(f"{self.position().capitalize()}: {name}")

    def position(self, share: float = 0.0) -> str:
        """Return ``step 3 of 7, about 2 min left``; empty between steps.

        Args:
            share: finished share of the current step, if known.
        """
        if self._at is None:
            return ""
        return f"step {self._at + 1} of {len(self.ahead)}, about {duration(self.left(share))} left"

    def left(self, share: float = 0.0) -> float:
        """Return the expected seconds of the current step and those after it."""
        if self._at is None:
            return sum(self._expected(step) for step in self.ahead)
        spent = self.clock() - self._began
        # A step that takes longer than expected is assumed to be four fifths done.
        here = max(self._expected(self.ahead[self._at]) - spent, spent / 4)
        if share > 0:
            here = min(here, spent * (1 - share) / share)
        return here + sum(self._expected(step) for step in self.ahead[self._at + 1 :])

    def _measure(self) -> None:
        if self._at is None:
            return
        step, took = self.ahead[self._at], self.clock() - self._began
        if took >= TOO_SHORT:
            self._told.setdefault(step.kind, []).append((took, step.seconds))

    def _expected(self, step: PlannedStep) -> float:
        measured = self._told.get(step.kind, [])
        guessed = sum(seconds for _, seconds in measured)
        return step.seconds * (sum(took for took, _ in measured) / guessed if guessed else 1.0)


def duration(seconds: float) -> str:
    """Return seconds for people: ``40 s``, ``12 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
