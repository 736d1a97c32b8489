"""Interactions of one user that share a time: their order, and how much of a domain depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from domains.domain import Domain, Ints
from domains.settings import Ties

Hashes = npt.NDArray[np.uint64]

TIED_FROM = 0.01
"""Share of tied held-out items from which a run mentions them."""
ASCENDING_FROM = 0.6
"""Share of ascending neighbours from which a run mentions them; half of them ascend by chance."""


NEWEST_FIRST_FROM = 10
"""Distinct times from which a file that only descends does so by intention."""


def newest_first(times: pl.LazyFrame) -> bool:
    """Return whether a column of times only descends from row to row, with some equal: later rows happened earlier.

    Args:
        times: one column, numbers in the order of the file.
    """
    time = pl.all()
    for rows in (times.head(1_000), times):
        if rows.select((time.diff() > 0).any()).collect().item():
            return False
    return bool(times.select(time.n_unique().is_between(NEWEST_FIRST_FROM, pl.len() - 1)).collect().item())


@dataclass(frozen=True, eq=False)
class TieOrder:
    """Sort keys of interactions that share user and time.

    Attributes:
        of_users: (U,) uint64, or None if the order does not depend on the user.
        of_items: (I,) uint64; None keeps the order of the rows.
    """

    of_users: Hashes | None = None
    of_items: Hashes | None = None

    @classmethod
    def of(cls, ties: Ties, user_ids: pa.Array, item_ids: pa.Array) -> Self:
        """Return the order that a setting asks for.

        ``random`` depends on the ids of user and item alone: other rows of the file and their order change nothing.

        Args:
            ties: the setting.
            user_ids: (U,) large_string.
            item_ids: (I,) large_string.
        """
        if ties == "item":
            return cls(of_items=id_places(item_ids).astype(np.uint64))
        return cls(id_hashes(user_ids), id_hashes(item_ids)) if ties == "random" else cls()

    def keys(self, users: Ints, items: Ints) -> Hashes | None:
        """Return (n,) uint64 for interactions given as (n,) users and (n,) items; None keeps the order of the file."""
        if self.of_items is None:
            return None
        keys = self.of_items[items]
        return keys if self.of_users is None else mixed(keys ^ self.of_users[users])


def id_places(item_ids: pa.Array) -> Ints:
    """(I,) place of each item among the sorted ids: as numbers if all are whole numbers, else as text."""
    digits = pc.all(pc.match_substring_regex(item_ids, r"^[0-9]{1,18}$")).as_py()
    keys = item_ids.cast(pa.int64()) if digits else item_ids
    order = pc.sort_indices(keys).to_numpy()
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places


def id_hashes(ids: pa.Array) -> Hashes:
    """(n,) uint64, a hash of each id's UTF-8 bytes that is the same on every machine and in every release."""
    compact = pa.concat_arrays([ids.cast(pa.large_string()), pa.array([], pa.large_string())])
    _, offsets, data = compact.buffers()
    if not len(compact) or data is None:
        return np.zeros(len(compact), np.uint64)
    ends = np.frombuffer(offsets, dtype=np.int64)[: len(compact) + 1]
    values = np.frombuffer(data, dtype=np.uint8)[: int(ends[-1])].astype(np.uint64)
    place = np.arange(len(values), dtype=np.int64) - np.repeat(ends[:-1], np.diff(ends))
    # Sums wrap around, so differences of the running sum are the sums of each id.
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed(place.astype(np.uint64) * np.uint64(256) + values))])
    return mixed(sums[ends[1:]] - sums[ends[:-1]])


def mixed(state: Hashes) -> Hashes:
    """Mix the bits of each number (splitmix64 with its finaliser)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@dataclass(frozen=True, kw_only=True)
class TieCounts:
    """How many interactions share their time, in seconds, with the one before, and how many follow the order of ids.

    Attributes:
        held_out: held-out items with an item before them.
        held_out_tied: those that share their time with the item before.
        held_out_ascending: those whose id is higher than that of the item before.
        neighbours: pairs of consecutive items of one user.
        neighbours_tied: pairs that share a time.
        neighbours_ascending: pairs in which the second item has the higher id.
    """

    held_out: int
    held_out_tied: int
    held_out_ascending: int
    neighbours: int
    neighbours_tied: int
    neighbours_ascending: int

    def __str__(self) -> str:
        return (
            f"{_share(self.held_out_tied, self.held_out)} of the held-out items share their time with the item before; "
            f"{_share(self.neighbours_ascending, self.neighbours)} of the neighbours ascend by item id (by chance 50 %)"
        )

    @property
    def note(self) -> str:
        """One line if figures may depend on the order of equal times or on ids, else empty."""
        tied = self.held_out_tied >= TIED_FROM * max(self.held_out, 1)
        ascending = self.neighbours_ascending >= ASCENDING_FROM * max(self.neighbours, 1)
        if not tied and not ascending:
            return ""
        return f"{self}: compare {'prepare.ties and ' if tied else ''}the variant next-ids"


def count_ties(domain: Domain, held_out: Ints) -> TieCounts:
    """Count ties and ascending ids.

    Args:
        domain: the interactions.
        held_out: (n,) int64, flat positions of held-out items; those that are a user's first are not counted.
    """
    inside = np.ones(domain.n_interactions, dtype=bool)
    starts = domain.offsets[:-1]
    inside[starts[starts < domain.n_interactions]] = False
    tied = tied_with_previous(domain)
    places = id_places(domain.item_ids)[domain.items]
    ascending = np.zeros(domain.n_interactions, dtype=bool)
    ascending[1:] = (places[1:] > places[:-1]) & inside[1:]
    mine = held_out[inside[held_out]]
    return TieCounts(
        held_out=len(mine),
        held_out_tied=int(tied[mine].sum()),
        held_out_ascending=int(ascending[mine].sum()),
        neighbours=int(inside.sum()),
        neighbours_tied=int(tied.sum()),
        neighbours_ascending=int(ascending.sum()),
    )


def tied_with_previous(domain: Domain) -> npt.NDArray[np.bool_]:
    """(N,) bool, whether an interaction shares its time with the user's one before."""
    tied = np.zeros(domain.n_interactions, dtype=bool)
    tied[1:] = domain.times[1:] == domain.times[:-1]
    starts = domain.offsets[:-1]
    tied[starts[starts < domain.n_interactions]] = False
    return tied


def last_two(domain: Domain) -> Ints:
    """(n,) int64, flat positions that leave-one-out holds out: the last two of users with three or more."""
    ends = domain.offsets[1:][domain.lengths >= 3]
    return np.concatenate([ends - 2, ends - 1])


def _share(count: int, total: int) -> str:
    return f"{100 * count / max(total, 1):.3g} %"
