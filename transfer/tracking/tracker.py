"""The seam for trackers: built-in ones, and those of other packages by entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from domains.errors import InputError, suggest

ENTRY_POINT_GROUP = "transfer.trackers"
BUILT_IN: Mapping[str, str] = {"tensorboard": "transfer.tracking.tensorboard"}
"""Module of each built-in tracker, whose `open_tracker` is called."""


class Tracker(Protocol):
    """What a run tells; only the first process calls it."""

    def settings(self, recipe: Mapping[str, Any]) -> None:
        """Take the resolved recipe, before anything is trained."""

    def entry(self, entry: Mapping[str, object]) -> None:
        """Take a line of `training.jsonl`: ``stage``, ``epoch`` and numbers. A resumed run may tell an epoch again."""

    def result(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Take the contents of `metrics.json` and the folder of the finished artifact."""


class Untracked:
    """Tells nobody."""

    def settings(self, recipe: Mapping[str, Any]) -> None:
        """Do nothing."""

    def entry(self, entry: Mapping[str, object]) -> None:
        """Do nothing."""

    def result(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Do nothing."""


def tracker_names() -> tuple[str, ...]:
    """All names, sorted."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))}))


def open_tracker(name: str | None, folder: Path) -> Tracker:
    """Open a tracker for a run.

    Args:
        name: of the tracker; None tracks nothing.
        folder: of the run, beside whose artifacts a tracker may write.

    Raises:
        InputError: no package provides it, or its package cannot be imported.
    """
    if name is None:
        return Untracked()
    try:
        if name in BUILT_IN:
            made: Callable[[Path], Tracker] = import_module(BUILT_IN[name]).open_tracker
        else:
            points = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == name]
            if not points:
                raise InputError(
                    f"no tracker is called {name!r}",
                    location="--track",
                    hint=f"{suggest(name, tracker_names())}Known: {', '.join(tracker_names())}",
                )
            made = points[0].load()
        return made(folder)
    except (ImportError, AttributeError) as error:
        hint = f'pip install "sememe-transfer[{name}]"' if name in BUILT_IN else "Correct or remove its package"
        raise InputError(f"the tracker {name!r} cannot be imported: {error}", location="--track", hint=hint) from error
