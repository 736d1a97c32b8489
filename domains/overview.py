"""Describe a domain: sizes, quantiles, histograms, time span, and what looks odd."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.compute as pc

from domains.domain import Domain, Ints, TimeKind
from domains.raw_cells import MISREAD
from domains.ties import TieCounts, count_ties, last_two

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
BAR_WIDTH = 30


@dataclass(frozen=True)
class Bin:
    """Number of values in [low, high]."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, kw_only=True)
class DomainSummary:
    """Numbers that describe a domain.

    Attributes:
        name: name of the domain.
        users: number of users.
        items: number of items.
        interactions: number of interactions.
        density: interactions / (users * items).
        length_quantiles: interactions per user at `QUANTILES`, keyed ``"0%"`` to ``"100%"``.
        popularity_quantiles: interactions per item, in the same form.
        length_histogram: users by number of interactions, bins double in width.
        popularity_histogram: items by number of interactions, bins double in width.
        time_kind: ``timestamp`` or ``order``.
        first_time: ISO 8601 UTC of the earliest interaction; None if times are an order.
        last_time: the same for the latest.
        titles_missing: items without a title.
        with_categories: items with at least one category; None if the source has no categories.
        repeated_pairs: interactions with an item that the user had before.
        ties: interactions that share a time, and the order of ids.
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
    ties: TieCounts

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
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
            "order": str(self.ties),
            "per user": _listed(self.length_quantiles),
            "per item": _listed(self.popularity_quantiles),
        }
        lines = [self.name, *(f"  {key:<16} {value}" for key, value in rows.items())]
        lines += ["  interactions of a user", *bars(self.length_histogram)]
        lines += ["  interactions of an item", *bars(self.popularity_histogram)]
        return "\n".join(lines)


def summarise(domain: Domain) -> DomainSummary:
    """Compute the summary of a domain, in one pass over each column."""
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
        ties=count_ties(domain, last_two(domain)),
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


def share_of_returns(domain: Domain) -> float:
    """Return the share of interactions with an item that the user had on an earlier day.

    Times that are only an order have no days: there, every later interaction with the item counts.
    """
    if not domain.n_interactions:
        return 0.0
    order = np.lexsort((domain.times, domain.items, domain.owners))
    users, items, times = domain.owners[order], domain.items[order], domain.times[order]
    gap = SECONDS_PER_DAY if domain.time_kind == TimeKind.TIMESTAMP else 1
    again = (np.diff(users) == 0) & (np.diff(items) == 0) & (np.diff(times) >= gap)
    return float(again.sum() / domain.n_interactions)


def _repeated_pairs(domain: Domain) -> int:
    return domain.n_interactions - pl.Series(domain.owners * max(domain.n_items, 1) + domain.items).n_unique()


SECONDS_PER_DAY = 86_400
BOT_PER_DAY = 200
"""Interactions in one day above which a user is probably a program."""
SAME_TIME_AT_LEAST = 5
"""Users with fewer interactions may have equal times by chance, for example after an import."""
LONG_TITLE = 1_000
"""Characters; longer titles are descriptions or damaged rows."""

REPLACED = "\ufffd"
MARKUP = r"</?[A-Za-z][^<>]*>|&(?:[A-Za-z]{2,8}|#\d{1,6});|\[\[|\{\{"
NOTHING = r"(?i)^(?:nan|none|null|#?n/a|-+|\?+)$"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@dataclass(frozen=True)
class Suspicion:
    """One kind of oddity: its number and the first example."""

    kind: str
    count: int
    example: str


def find_suspicions(domain: Domain, *, now: int | None = None) -> list[Suspicion]:
    """Find oddities in times and titles. They are no errors; the user decides.

    Args:
        domain: the domain.
        now: unix seconds of the present; default: the clock.
    """
    found = [*_in_titles(domain), *_in_times(domain, int(time.time()) if now is None else now)]
    return [suspicion for suspicion in found if suspicion.count]


def _in_titles(domain: Domain) -> list[Suspicion]:
    frame = pl.DataFrame({"id": pl.Series(domain.item_ids), "title": pl.Series(domain.titles)})
    title = pl.col("title")
    tests = {
        "title with replacement characters (encoding lost)": title.str.contains(REPLACED, literal=True),
        "title with doubly encoded characters": title.str.contains(MISREAD),
        "title with markup": title.str.contains(MARKUP),
        "title with control characters": title.str.contains(CONTROL),
        f"title longer than {LONG_TITLE:,} characters": title.str.len_chars() > LONG_TITLE,
        "title that marks a missing one": title.str.contains(NOTHING),
        "title of several items": (title != "") & title.is_duplicated(),
    }
    return [_of_items(kind, frame.filter(test)) for kind, test in tests.items()]


def _of_items(kind: str, rows: pl.DataFrame) -> Suspicion:
    example = "" if rows.is_empty() else f"item {rows['id'][0]}: {rows['title'][0][:80]!r}"
    return Suspicion(kind, rows.height, example)


def _in_times(domain: Domain, now: int) -> list[Suspicion]:
    if domain.time_kind != TimeKind.TIMESTAMP or not domain.n_interactions:
        return []
    users = domain.owners
    future = np.flatnonzero(domain.times > now)
    late = f"user {_user(domain, int(users[future[0]]))}: {domain.times[future[0]]}" if len(future) else ""
    starts, ends = domain.offsets[:-1], domain.offsets[1:]
    many = domain.lengths >= SAME_TIME_AT_LEAST
    at_once = np.flatnonzero(many)[domain.times[starts[many]] == domain.times[ends[many] - 1]]
    bots, most = _busiest_days(domain, users)
    return [
        Suspicion("interaction in the future", len(future), late),
        Suspicion(
            f"user with one time for all of {SAME_TIME_AT_LEAST} or more interactions",
            len(at_once),
            f"user {_user(domain, int(at_once[0]))}" if len(at_once) else "",
        ),
        Suspicion(
            f"user with more than {BOT_PER_DAY} interactions in a day",
            len(bots),
            f"user {_user(domain, int(bots[0]))}: {most} in a day" if len(bots) else "",
        ),
    ]


def _busiest_days(domain: Domain, users: Ints) -> tuple[Ints, int]:
    """Return users above `BOT_PER_DAY`, ascending, and the number of interactions of the first on the busiest day."""
    days = domain.times // SECONDS_PER_DAY
    # Rows are sorted by user and day, so the interactions of a day are one run.
    changes = np.flatnonzero((users[1:] != users[:-1]) | (days[1:] != days[:-1])) + 1
    starts = np.concatenate([[0], changes])
    counts = np.diff(np.append(starts, len(users)))
    busy = counts > BOT_PER_DAY
    owners = users[starts[busy]]
    bots = np.unique(owners)
    return bots, int(counts[busy][owners == bots[0]].max()) if len(bots) else 0


def _user(domain: Domain, index: int) -> str:
    return str(domain.user_ids[index].as_py())
