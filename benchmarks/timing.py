"""Wall times that survive a busy machine: things that are compared take turns, and the fastest turn counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], Any]


def seconds(work: Work) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def fastest(work: Work, repeats: int) -> float:
    """Fastest of some calls, after one that warms up."""
    work()
    return min(seconds(work) for _ in range(repeats))


def side_by_side(works: Mapping[str, Work], repeats: int) -> dict[str, float]:
    """Fastest call of each, after one that warms up; they take turns, so that a slow moment hits them all.

    Args:
        works: by name.
        repeats: turns.
    """
    for work in works.values():
        work()
    turns = [{name: seconds(work) for name, work in works.items()} for _ in range(repeats)]
    return {name: min(turn[name] for turn in turns) for name in works}
