"""Trackers receive settings, epochs and results of a run, in addition to its own files. Off by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

import yaml

from domains.errors import SettingsError, suggest

ENTRY_POINT_GROUP = "transfer.trackers"
TENSORBOARD = "tensorboard"
"""Name of the built-in tracker."""


class Tracker(Protocol):
    """Receives settings, epochs and results of a run, from the first process only."""

    def settings(self, recipe: Mapping[str, Any]) -> None:
        """Take the resolved recipe, before anything is trained."""

    def entry(self, entry: Mapping[str, object]) -> None:
        """Take a line of `training.jsonl`: ``stage``, ``epoch`` and numbers. A resumed run may repeat an epoch."""

    def result(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Take the contents of `metrics.json` and the folder of the finished artifact."""


class Untracked:
    """Ignores everything."""

    def settings(self, recipe: Mapping[str, Any]) -> None:
        """Do nothing."""

    def entry(self, entry: Mapping[str, object]) -> None:
        """Do nothing."""

    def result(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Do nothing."""


def tracker_names() -> tuple[str, ...]:
    """Return the names of all trackers, sorted."""
    return tuple(sorted({TENSORBOARD, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))}))


def open_tracker(name: str | None, folder: Path) -> Tracker:
    """Open a tracker for a run.

    Args:
        name: name of the tracker; None tracks nothing.
        folder: folder of the run, which the tracker may write to.

    Raises:
        InputError: no package provides it, or its package cannot be imported.
    """
    if name is None:
        return Untracked()
    try:
        if name == TENSORBOARD:
            made: Callable[[Path], Tracker] = open_tensorboard
        else:
            points = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == name]
            if not points:
                raise SettingsError(
                    f"no tracker is called {name!r}",
                    location="--track",
                    hint=f"{suggest(name, tracker_names())}Known: {', '.join(tracker_names())}",
                    code="unknown-tracker",
                )
            made = points[0].load()
        return made(folder)
    except (ImportError, AttributeError) as error:
        hint = f'pip install "sememe-transfer[{name}]"' if name == TENSORBOARD else "Correct or remove its package"
        raise SettingsError(
            f"the tracker {name!r} cannot be imported: {error}", location="--track", hint=hint, code="no-extra"
        ) from error


class TensorBoard:
    """Writes event files into a folder."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def settings(self, recipe: Mapping[str, Any]) -> None:
        """Write the recipe as text."""
        text = yaml.safe_dump(dict(recipe), sort_keys=False, allow_unicode=True)
        self.writer.add_text("recipe", f"```yaml\n{text}```")
        self.writer.flush()

    def entry(self, entry: Mapping[str, object]) -> None:
        """Write each number of an epoch as a point of a curve."""
        stage, epoch = str(entry.get("stage", "run")), entry.get("epoch")
        for key, value in entry.items():
            if key not in ("stage", "epoch") and isinstance(value, int | float) and not isinstance(value, bool):
                step = epoch if isinstance(epoch, int) else None
                self.writer.add_scalar(f"{stage}/{key}", value, step)
        self.writer.flush()

    def result(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Write the mean of each metric of each variant."""
        for variant, found in metrics["variants"].items():
            for stage in ("validation", "test"):
                for protocol, values in found[stage].items():
                    for metric, value in values.items():
                        name = f"{stage}/{protocol}/{metric}/{variant}"
                        self.writer.add_scalar(name, value["mean"])
        self.writer.close()


def open_tensorboard(folder: Path) -> TensorBoard:
    """Return a tracker that writes to ``tensorboard/`` in the run's folder."""
    return TensorBoard(folder / TENSORBOARD)
