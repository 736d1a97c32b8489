"""Recent: what most users had shortly before. Popularity forgets when; where items come and go, that decides."""

from __future__ import annotations

from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from domains.domain import Domain, Ints, TimeKind
from domains.errors import DataError
from domains.settings import Settings
from domains.split import Split
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.registry import Baseline, Ranker, Target
from transfer.runtime import working_memory
from transfer.terms.counts import train_positions, untied_popularity

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
TIEBREAK = 1e-3
"""What the popularity of all times adds, at most."""


class RecentSettings(Settings):
    """Settings under `systems: {recent: ...}`."""

    half_life: float | None = Field(
        None, gt=0, description="Days after which an interaction counts half; training interactions choose by default."
    )


class RecentCounts:
    """Counts of interactions at some moments: one that is d days old counts 2 ** (-d / half_life).

    Args:
        items: (m,) int32, items of the interactions, in the order of time.
        times: (m,) int64 unix seconds, ascending.
        n_items: I.
    """

    def __init__(self, items: npt.NDArray[np.int32], times: Ints, n_items: int) -> None:
        self.items, self.times, self.n_items = items, times, n_items

    @cached_property
    def moments(self) -> Ints:
        """(b,) unix seconds, ascending: as many interactions lie between any two."""
        most = max(FEWEST, min(MOMENTS, working_memory(COUNTS_MB) // (4 * self.n_items)))
        return np.unique(self.times[np.linspace(0, len(self.times) - 1, min(most, len(self.times))).astype(np.int64)])

    def before(self, times: Ints) -> Ints:
        """Return (n,) the last moment at or before each time; the first one for earlier times."""
        return np.maximum(np.searchsorted(self.moments, times, side="right") - 1, 0)

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


def fit(target: Target, settings: RecentSettings) -> Ranker:
    """Score an item by log(1 + c), where c counts its training interactions before the target, recent ones more.

    Who is served is asked for now, so that all interactions count, at the time of the last one.

    Raises:
        InputError: the times are only an order.
    """
    split, device = target.split, target.runtime.device
    check_times(split.domain)
    popularity = untied_popularity(split)
    rest = torch.from_numpy(TIEBREAK * popularity / max(float(popularity.max(initial=0)), 1.0)).to(device)
    _, position = train_positions(split)
    if not len(position):
        return lambda domain, targets: lambda rows: rest.expand(len(rows), -1).clone()
    trained = _counts(split.domain, position)
    half_life = settings.half_life or choose_half_life(trained, split)

    @cache
    def now() -> torch.Tensor:
        everything = _counts(split.domain, np.arange(split.domain.n_interactions))
        return torch.from_numpy(np.log1p(everything.at_end(half_life))).to(device) + rest

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        if domain is not split.domain:  # people who are served, and not the targets of an evaluation
            return lambda rows: now().expand(len(rows), -1).clone()
        counts = torch.from_numpy(trained.at_moments(half_life)).to(device)
        moment = torch.from_numpy(trained.before(domain.times[targets.stops])).to(device)
        return lambda rows: counts[moment[rows.to(device)]].double().log1p() + rest

    return ranker


def choose_half_life(trained: RecentCounts, split: Split) -> float:
    """Return the half-life whose counts rank the last training interactions of users best, by NDCG@10."""
    users = split.training_users[split.train_stop[split.training_users] > split.starts[split.training_users]]
    users = users[np.linspace(0, len(users) - 1, min(JUDGES, len(users))).astype(np.int64)]
    last = split.train_stop[users] - 1
    items, moment = split.domain.items[last], trained.before(split.domain.times[last])

    def gain(half_life: float) -> float:
        counts = trained.at_moments(half_life)
        above = np.array(
            [(counts[place] >= counts[place, item]).sum() for item, place in zip(items, moment, strict=True)]
        )
        return float(np.where(above <= 10, 1 / np.log2(above + 1.0), 0).mean())

    return max(HALF_LIVES, key=gain)


def check_times(domain: Domain) -> None:
    """Raise if the times of a domain are only an order."""
    if domain.time_kind != TimeKind.TIMESTAMP:
        raise DataError(
            "recent needs times, and this domain's times are only an order",
            location=domain.name,
            hint="Leave the variant out, or use popular",
            code="time-order",
        )


def _counts(domain: Domain, position: Ints) -> RecentCounts:
    """Return the counts of the interactions at some positions (m,)."""
    position = position[np.argsort(domain.times[position], kind="stable")]
    return RecentCounts(domain.items[position], domain.times[position], domain.n_items)


RECENT = Baseline(
    name="recent",
    summary="what most users had shortly before, the same for everyone",
    fit=fit,
    settings=RecentSettings,
    personal=False,
    timed=True,
)
