"""Recent: what most users had shortly before. Popularity forgets when; where items come and go, that decides."""

from __future__ import annotations

import torch
from pydantic import Field

from domains.domain import Domain, TimeKind
from domains.errors import DataError
from domains.settings import Settings
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.registry import Baseline, Ranker, Target
from transfer.terms.counts import untied_popularity
from transfer.terms.recent_items import RecentItems

TIEBREAK = 1e-3
"""What the popularity of all times adds, at most."""


class RecentSettings(Settings):
    """Settings under `systems: {recent: ...}`."""

    half_life: float | None = Field(
        None, gt=0, description="Days after which an interaction counts half; training interactions choose by default."
    )


def fit(target: Target, settings: RecentSettings) -> Ranker:
    """Score an item by its level in `RecentItems`.

    Raises:
        InputError: the times are only an order.
    """
    split, device = target.split, target.runtime.device
    check_times(split.domain)
    popularity = untied_popularity(split)
    rest = torch.from_numpy(TIEBREAK * popularity / max(float(popularity.max(initial=0)), 1.0)).to(device)
    recent = RecentItems.of(split, half_life=settings.half_life)
    if recent is None:
        return lambda domain, targets: lambda rows: rest.expand(len(rows), -1).clone()
    levels = torch.from_numpy(recent.levels).to(device)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        moment = torch.from_numpy(recent.rows(domain, targets)).to(device)
        return lambda rows: levels[moment[rows.to(device)]].double() + rest

    return ranker


def check_times(domain: Domain) -> None:
    """Raise if the times of a domain are only an order."""
    if domain.time_kind != TimeKind.TIMESTAMP:
        raise DataError(
            "recent needs times, and this domain's times are only an order",
            location=domain.name,
            hint="Leave the variant out, or use popular",
            code="time-order",
        )


RECENT = Baseline(
    name="recent",
    summary="what most users had shortly before, the same for everyone",
    fit=fit,
    settings=RecentSettings,
    personal=False,
    timed=True,
)
