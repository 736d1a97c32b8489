"""A domain in numbers: sizes, quantiles, histograms, time span, missing titles."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.compute as pc

from domains.domain import Domain, TimeKind

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
BAR_WIDTH = 30


@dataclass(frozen=True)
class Bin:
    """How many values lie in [low, high]."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class DomainSummary:
    """The numbers that describe a domain.

    Attributes:
        name: of the domain.
        users: how many.
        items: how many.
        interactions: how many.
        density: interactions / (users * items).
        length_quantiles: interactions per user at `QUANTILES`, keyed ``"0%"`` to ``"100%"``.
        popularity_quantiles: interactions per item, the same.
        length_histogram: users by number of interactions, bins double in width.
        popularity_histogram: items by number of interactions, bins double in width.
        time_kind: ``timestamp`` or ``order``.
        first_time: ISO 8601 UTC of the earliest interaction; None where times are an order.
        last_time: the same of the latest.
        titles_missing: items without a title.
        with_categories: items with at least one category; None where the source has none.
        repeated_pairs: interactions with an item that the user had before.
    """

    name: str
    users: int
    items: int
    interactions: int
    density: float
    length_quantiles: dict[str, float]
    popularity_quantiles: dict[str, float]
    length_histogram: tuple[Bin, ...]
    popularity_histogram: tuple[Bin, ...]
    time_kind: str
    first_time: str | None
    last_time: str | None
    titles_missing: int
    with_categories: int | None
    repeated_pairs: int

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready values."""
        data = asdict(self)
        for key in ("length_histogram", "popularity_histogram"):
            data[key] = list(data[key])
        return data

    def __str__(self) -> str:
        span = "an order only" if self.first_time is None else f"{self.first_time} to {self.last_time}"
        rows = {
            "users": f"{self.users:,}",
            "items": f"{self.items:,}",
            "interactions": f"{self.interactions:,} (density {self.density:.4%})",
            "times": span,
            "titles missing": f"{self.titles_missing:,}",
            "with categories": "-" if self.with_categories is None else f"{self.with_categories:,}",
            "repeats": f"{self.repeated_pairs:,}",
            "per user": _listed(self.length_quantiles),
            "per item": _listed(self.popularity_quantiles),
        }
        lines = [self.name, *(f"  {key:<16} {value}" for key, value in rows.items())]
        lines += ["  interactions of a user", *bars(self.length_histogram)]
        lines += ["  interactions of an item", *bars(self.popularity_histogram)]
        return "\n".join(lines)


def summarise(domain: Domain) -> DomainSummary:
    """Count, in one pass over each column."""
    popularity = np.bincount(domain.items, minlength=domain.n_items)
    cells = domain.n_users * domain.n_items
    dated = domain.time_kind == TimeKind.TIMESTAMP and domain.n_interactions > 0
    return DomainSummary(
        name=domain.name,
        users=domain.n_users,
        items=domain.n_items,
        interactions=domain.n_interactions,
        density=domain.n_interactions / cells if cells else 0.0,
        length_quantiles=_quantiles(domain.lengths),
        popularity_quantiles=_quantiles(popularity),
        length_histogram=histogram(domain.lengths),
        popularity_histogram=histogram(popularity),
        time_kind=domain.time_kind.value,
        first_time=_iso(domain.times.min()) if dated else None,
        last_time=_iso(domain.times.max()) if dated else None,
        titles_missing=int(pc.sum(pc.equal(domain.titles, "")).as_py() or 0),
        with_categories=_with_categories(domain),
        repeated_pairs=_repeated_pairs(domain),
    )


def histogram(counts: npt.NDArray[np.integer[Any]]) -> tuple[Bin, ...]:
    """Count values in bins that double in width: 0, 1, 2-3, 4-7, ...; from the smallest to the largest value."""
    if not len(counts):
        return ()
    numbers = np.frexp(counts.astype(np.float64))[1]
    filled = np.bincount(numbers)
    bins = range(int(numbers.min()), len(filled))
    return tuple(Bin(0 if b == 0 else 2 ** (b - 1), 0 if b == 0 else 2**b - 1, int(filled[b])) for b in bins)


def bars(bins: tuple[Bin, ...]) -> list[str]:
    """Draw a histogram as lines of text."""
    largest = max((bin_.count for bin_ in bins), default=0)
    lines = []
    for bin_ in bins:
        label = str(bin_.low) if bin_.low == bin_.high else f"{bin_.low}-{bin_.high}"
        lines.append(
            f"    {label:>14} {'█' * round(BAR_WIDTH * bin_.count / max(largest, 1)):<{BAR_WIDTH}} {bin_.count:,}"
        )
    return lines


def _quantiles(counts: npt.NDArray[np.integer[Any]]) -> dict[str, float]:
    if not len(counts):
        return {}
    values = np.quantile(counts, QUANTILES)
    return {f"{share:.0%}": float(value) for share, value in zip(QUANTILES, values, strict=True)}


def _listed(quantiles: dict[str, float]) -> str:
    return ", ".join(f"{share} {value:g}" for share, value in quantiles.items())


def _iso(second: np.integer[Any]) -> str:
    return datetime.fromtimestamp(int(second), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_categories(domain: Domain) -> int | None:
    if domain.categories is None:
        return None
    return int(pc.sum(pc.greater(pc.list_value_length(domain.categories), 0)).as_py() or 0)


def _repeated_pairs(domain: Domain) -> int:
    return domain.n_interactions - pl.Series(domain.owners * max(domain.n_items, 1) + domain.items).n_unique()
