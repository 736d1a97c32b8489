"""`RecentItems`: how many interactions each item had shortly before a target, or before now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from torch import Tensor

from domains.domain import Domain, Ints, TimeKind
from domains.split import Split
from transfer.evaluation.protocol import Targets
from transfer.runtime import working_memory
from transfer.terms.counts import train_positions

Floats = npt.NDArray[np.floating]

DAY = 86_400.0
HALF_LIVES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Half-lives in days to choose from."""
MOMENTS = 256
"""Maximum number of moments whose counts are kept; a target is ranked by the counts of the last moment before it."""
FEWEST = 16
"""Minimum number of moments, however many items there are."""
COUNTS_MB = 256
"""Maximum size of the counts of all moments; $TRANSFER_MEMORY_MB lowers it."""
JUDGES = 1000
"""Maximum number of training interactions that choose the half-life."""


class RecentCounts:
    """Counts of interactions at some moments: one that is d days old counts 2 ** (-d / half_life).

    Args:
        items: (m,) int32, items of the interactions, in the order of time.
        times: (m,) int64 unix seconds, ascending.
        n_items: I.
    """

    def __init__(self, items: npt.NDArray[np.int32], times: Ints, n_items: int) -> None:
        self.items, self.times, self.n_items = items, times, n_items

    @classmethod
    def of(cls, domain: Domain, position: Ints) -> Self:
        """Return the counts of the interactions at some positions (m,)."""
        position = position[np.argsort(domain.times[position], kind="stable")]
        return cls(domain.items[position], domain.times[position], domain.n_items)

    @cached_property
    def moments(self) -> Ints:
        """(b,) unix seconds, ascending: as many interactions lie between any two."""
        most = max(FEWEST, min(MOMENTS, working_memory(COUNTS_MB) // (4 * self.n_items)))
        return np.unique(self.times[np.linspace(0, len(self.times) - 1, min(most, len(self.times))).astype(np.int64)])

    def at_moments(self, half_life: float) -> npt.NDArray[np.float32]:
        """Return (b, I) the counts at each moment, of interactions before it."""
        counts = np.zeros((len(self.moments), self.n_items), np.float32)
        stops = np.searchsorted(self.times, self.moments)
        for place in range(1, len(self.moments)):
            few, now = slice(stops[place - 1], stops[place]), float(self.moments[place])
            faded = self._faded(now - self.moments[place - 1 : place], half_life)
            counts[place] = counts[place - 1] * faded + self._count(few, now, half_life)
        return counts

    def at_end(self, half_life: float) -> Floats:
        """Return (I,) the counts of all interactions at the last one."""
        return self._count(slice(None), float(self.times[-1]), half_life)

    def _count(self, few: slice, now: float, half_life: float) -> Floats:
        weights = self._faded(now - self.times[few], half_life)
        return np.bincount(self.items[few], weights=weights, minlength=self.n_items).astype(np.float64)

    @staticmethod
    def _faded(seconds: Floats, half_life: float) -> Floats:
        return np.exp2(-np.asarray(seconds, np.float64) / (DAY * half_life))


@dataclass(frozen=True, eq=False)
class RecentItems:
    """Levels log(1 + c) of all items at some moments, where c is a count of `RecentCounts`.

    Attributes:
        levels: (b + 1, I) float32; the last row is now. NaN for new items.
        moments: (b,) int64 unix seconds, ascending, of the other rows.
        domain: the interactions whose targets are ranked by the moment before them. All other histories are of people
            who are served: they are asked for now.
    """

    levels: npt.NDArray[np.float32]
    moments: Ints
    domain: Domain | None = None

    @classmethod
    def of(cls, split: Split, known: Tensor | None = None, half_life: float | None = None) -> Self | None:
        """Count the training interactions before each moment, and all interactions now.

        Args:
            split: its training part is counted.
            known: (I,) bool, False for items hidden from training.
            half_life: in days; by default, the training interactions choose it.

        Returns:
            None without training interactions, or if times are only an order.
        """
        _, position = train_positions(split)
        if not len(position) or split.domain.time_kind != TimeKind.TIMESTAMP:
            return None
        counts = RecentCounts.of(split.domain, position)
        chosen = half_life or choose_half_life(counts, split)
        everything = RecentCounts.of(split.domain, np.arange(split.domain.n_interactions))
        levels = np.log1p(np.vstack([counts.at_moments(chosen), everything.at_end(chosen)])).astype(np.float32)
        if known is not None:
            levels[:, ~known.cpu().numpy()] = np.nan
        return cls(levels, counts.moments, split.domain)

    @classmethod
    def at_end(cls, levels: npt.NDArray[np.float32]) -> Self:
        """Return the items for people who are served, from the levels (I,) now."""
        return cls(levels[None], np.empty(0, np.int64))

    @property
    def now(self) -> npt.NDArray[np.float32]:
        """(I,) levels now; NaN for new items."""
        last: npt.NDArray[np.float32] = self.levels[-1]
        return last

    def rows(self, domain: Domain, targets: Targets) -> Ints:
        """Return (n,) the row of `levels` that ranks each target."""
        if domain is not self.domain:
            return np.full(len(targets), len(self.levels) - 1)
        return _last_before(self.moments, domain.times[targets.stops])


def _last_before(moments: Ints, times: Ints) -> Ints:
    """Return (n,) the index of the last moment at or before each time; the first one for earlier times."""
    return np.maximum(np.searchsorted(moments, times, side="right") - 1, 0)


def choose_half_life(trained: RecentCounts, split: Split) -> float:
    """Return the half-life whose counts rank the last training interactions of users best, by NDCG@10."""
    users = split.training_users[split.train_stop[split.training_users] > split.starts[split.training_users]]
    users = users[np.linspace(0, len(users) - 1, min(JUDGES, len(users))).astype(np.int64)]
    last = split.train_stop[users] - 1
    items, moment = split.domain.items[last], _last_before(trained.moments, split.domain.times[last])

    def gain(half_life: float) -> float:
        counts = trained.at_moments(half_life)
        above = np.array(
            [(counts[place] >= counts[place, item]).sum() for item, place in zip(items, moment, strict=True)]
        )
        return float(np.where(above <= 10, 1 / np.log2(above + 1.0), 0).mean())

    return max(HALF_LIVES, key=gain)
