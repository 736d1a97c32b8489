"""TensorBoard: epochs as curves, the recipe as text, the results as numbers (extra ``tensorboard``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


class TensorBoard:
    """Writes event files into a folder."""

    def __init__(self, folder: Path) -> None:
        self.writer = SummaryWriter(str(folder))

    def settings(self, recipe: Mapping[str, Any]) -> None:
        """Write the recipe as a text."""
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


def open_tracker(folder: Path) -> TensorBoard:
    """Write into ``tensorboard/`` of the run's folder."""
    return TensorBoard(folder / FOLDER)
