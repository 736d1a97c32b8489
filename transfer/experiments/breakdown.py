"""Where a gain comes from: metrics of users grouped by what is known of them before the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from domains.domain import Ints
from domains.split import Split
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.summary import SeedRankings, seed_values
from transfer.interests.original import known_anchor_counts
from transfer.runs.adapt import Adapted

METRIC = "full/ndcg@10"
GROUPS = 5
"""Groups of about as many users each."""

Floats = npt.NDArray[np.float64]
UserValues = Mapping[str, Floats]
"""(n,) metric of every tested user, the mean over seeds, by variant."""


def known_anchors(adapted: Adapted) -> Ints:
    """(n,) different anchors that each tested user has met before the test target."""
    targets = targets_of(adapted.split, "test")
    starts = adapted.split.starts[targets.users]
    return known_anchor_counts(adapted.split.domain, adapted.items.anchors, starts, targets.stops)


def history_lengths(split: Split) -> Ints:
    """(n,) interactions of each tested user before the test target."""
    targets = targets_of(split, "test")
    lengths: Ints = targets.stops - split.starts[targets.users]
    return lengths


def base_gains(
    rankings: Mapping[str, SeedRankings],
    seeds: Mapping[str, Sequence[int]],
    bases: Mapping[str, str],
    cutoffs: tuple[int, ...],
) -> dict[str, Floats]:
    """Gain of every variant over its base, of every tested user; the mean over the seeds that both have.

    Args:
        rankings: one a seed, by variant.
        seeds: of each variant, in the order of its rankings.
        bases: base of each variant that has one.
        cutoffs: values of k.
    """
    gains = {}
    for name, base in bases.items():
        shared = [seed for seed in seeds[name] if seed in seeds[base]]
        ours, theirs = (
            seed_values([rankings[one]["test"][seeds[one].index(seed)] for seed in shared], METRIC, cutoffs)
            for one in (name, base)
        )
        gains[name] = (ours - theirs).mean(axis=0)
    return gains


def thresholds(
    rankings: Mapping[str, SeedRankings], counts: Ints, limits: Sequence[int], cutoffs: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Means over the users who know at most so many anchors, under both protocols (Table 5)."""
    metrics = [f"{protocol}/{name}@10" for protocol in ("sampled", "full") for name in ("ndcg", "hit")]
    by_metric = {metric: user_values(rankings, metric, cutoffs) for metric in metrics}
    rows = []
    for limit in limits:
        few = counts <= limit
        values = {
            metric: {name: float(of[few].mean()) for name, of in users.items()} if few.any() else {}
            for metric, users in by_metric.items()
        }
        rows.append({"at_most": limit, "users": int(few.sum()), "values": values})
    return rows


def user_values(rankings: Mapping[str, SeedRankings], metric: str, cutoffs: tuple[int, ...]) -> dict[str, Floats]:
    """One metric of every tested user, the mean over seeds."""
    return {name: seed_values(of["test"], metric, cutoffs).mean(axis=0) for name, of in rankings.items()}


def grouped(values: UserValues, gains: UserValues, key: Ints, groups: int = GROUPS) -> list[dict[str, Any]]:
    """Users in groups of about the same size by a whole number, with each variant's mean and gain over its base.

    Args:
        values: (n,) by variant.
        gains: (n,) of each variant that has a base over it.
        key: (n,) what the groups go by; users with the same number stay together.
        groups: how many at most.

    Returns:
        One entry a group: ``low`` and ``high`` of the number, ``users``, ``mean`` by variant, and ``gain`` by variant
        with its standard error over users.
    """
    if len(key) == 0:
        return []
    edges = np.unique(np.quantile(key, np.linspace(0, 1, groups + 1)[1:], method="lower"))
    place = np.searchsorted(edges, key, side="left")
    rows = []
    for group in np.unique(place):
        mine = place == group
        rows.append({
            "low": int(key[mine].min()),
            "high": int(key[mine].max()),
            "users": int(mine.sum()),
            "mean": {name: float(of[mine].mean()) for name, of in values.items()},
            "gain": {name: {"mean": float(of[mine].mean()), "error": _error(of[mine])} for name, of in gains.items()},
        })  # fmt: skip
    return rows


def _error(gain: Floats) -> float:
    """Standard error of the mean."""
    return float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
