"""Read learning curves from the training log of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transfer.report.experiment_record import Curve


def learning_curves(log: Path) -> dict[str, Curve]:
    """Return one curve for each training phase in a log.

    A resumed run may log an epoch twice; the last entry counts. Incomplete lines are ignored.

    Args:
        log: JSON Lines with ``stage``, ``epoch`` and ``validation``.
    """
    if not log.is_file():
        return {}
    latest: dict[str, dict[int, dict[str, Any]]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = _entry(line)
        if entry is None or "validation" not in entry:
            continue
        if entry["epoch"] == 0:
            latest[entry["stage"]] = {}
        latest.setdefault(entry["stage"], {})[entry["epoch"]] = entry
    return {stage: _curve(epochs) for stage, epochs in latest.items()}


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return entry


def _curve(epochs: dict[int, dict[str, Any]]) -> Curve:
    order = sorted(epochs)
    return Curve(
        epoch=tuple(float(number) for number in order),
        validation=tuple(float(epochs[number]["validation"]) for number in order),
        seconds=tuple(float(epochs[number].get("train_seconds", 0.0)) for number in order),
    )
