"""`Domain`: users, items, titles and interactions; columnar, ragged and immutable."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domains.errors import DataError

Ints = npt.NDArray[np.int64]
ItemIndices = npt.NDArray[np.int32]

TEXT_TYPE = pa.large_list(pa.large_string())
"""Type of categories and text fields."""
PROSE = frozenset({"description", "abstract", "features"})
"""Text fields with sentences; the values of all others are names."""
CHECKED_AT_ONCE = 1 << 24
"""Number of interactions whose times are checked at once."""
RESERVED = frozenset({"item_id", "title", "categories"})
"""Names that a text field must not have."""


class TimeKind(StrEnum):
    """Meaning of the numbers in `Domain.times`."""

    TIMESTAMP = "timestamp"
    """Seconds since 1970-01-01 UTC; their differences are meaningful."""
    ORDER = "order"
    """Ranks: larger is later, differences have no meaning. Section 3.3 then weights by position."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Domain:
    """A prepared domain. Make one with `domains.preparation`, load one with `domains.storage`.

    Interactions are ragged: those of user ``u`` are ``items[offsets[u]:offsets[u + 1]]``, oldest first.

    Attributes:
        name: its name.
        item_ids: (I,) large_string, unique.
        titles: (I,) large_string, ``""`` for an item without a title.
        categories: (I,) large_list<large_string>, or None if the source has no categories.
        user_ids: (U,) large_string, unique.
        offsets: (U + 1,) int64, ascending, from 0 to N.
        items: (N,) int32, item indices.
        times: (N,) int64, ascending within a user.
        time_kind: whether `times` are timestamps or only an order.
        repeats: whether a user may have the same item more than once.
        texts: further text fields by name, such as ``authors``, ``brand`` or ``description``: (I,)
            large_list<large_string>; an item without values has an empty list.
    """

    name: str
    item_ids: pa.Array
    titles: pa.Array
    categories: pa.Array | None
    user_ids: pa.Array
    offsets: Ints
    items: ItemIndices
    times: Ints
    time_kind: TimeKind
    repeats: bool = False
    texts: Mapping[str, pa.Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", dict(sorted(self.texts.items())))
        self._check()
        for array in (self.offsets, self.items, self.times):
            array.setflags(write=False)

    def _check(self) -> None:
        """Raise if the arrays contradict each other. O(N), vectorised."""
        if len(self.titles) != len(self.item_ids):
            raise DataError(
                f"{len(self.titles)} titles for {len(self.item_ids)} items", location=self.name, code="domain"
            )
        if self.categories is not None and len(self.categories) != len(self.item_ids):
            raise DataError(
                f"{len(self.categories)} category lists for {len(self.item_ids)} items",
                location=self.name,
                code="domain",
            )
        for name, values in self.texts.items():
            if name in RESERVED:
                raise DataError(f"a text field cannot be called {name!r}", location=self.name, code="domain")
            if len(values) != len(self.item_ids) or values.type != TEXT_TYPE:
                raise DataError(
                    f"text field {name!r} has {len(values)} values of type {values.type} for "
                    f"{len(self.item_ids)} items",
                    location=self.name,
                    code="domain",
                )
        if len(self.offsets) != len(self.user_ids) + 1 or self.offsets[0] != 0 or self.offsets[-1] != len(self.items):
            raise DataError("user offsets do not cover the interactions", location=self.name, code="domain")
        if len(self.times) != len(self.items):
            raise DataError(
                f"{len(self.times)} times for {len(self.items)} interactions", location=self.name, code="domain"
            )
        if np.any(np.diff(self.offsets) < 0):
            raise DataError("user offsets descend", location=self.name, code="domain")
        if len(self.items) and (self.items.min() < 0 or self.items.max() >= len(self.item_ids)):
            raise DataError("an interaction names an item outside the item table", location=self.name, code="domain")
        if descend_within(self.times, self.offsets):
            raise DataError("a user's times descend", location=self.name, code="domain")

    def __repr__(self) -> str:
        sizes = f"{self.n_users:,} users, {self.n_items:,} items, {self.n_interactions:,} interactions"
        return f"<Domain {self.name!r}: {sizes}, times are {self.time_kind.value}>"

    @property
    def n_users(self) -> int:
        """Number of users U."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Number of items I."""
        return len(self.item_ids)

    @property
    def n_interactions(self) -> int:
        """Number of interactions N."""
        return len(self.items)

    @cached_property
    def lengths(self) -> Ints:
        """(U,) int64, number of interactions of each user."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Ints:
        """(N,) int64, the user of each interaction."""
        return np.repeat(np.arange(self.n_users, dtype=np.int64), self.lengths)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every column; equal fingerprints mean equal data."""
        digest = hashlib.sha256()
        for strings in (self.item_ids, self.titles, self.user_ids):
            digest.update(_string_bytes(strings))
        digest.update(self._list_bytes)
        for array in (self.offsets, self.items, self.times):
            digest.update(np.ascontiguousarray(array).data)
        digest.update(f"{self.time_kind}|{self.repeats}".encode())
        return digest.hexdigest()

    @property
    def fields(self) -> Mapping[str, pa.Array]:
        """All text of the items: ``title`` (I,) strings; ``categories`` and `texts` (I,) lists of strings."""
        categories = {} if self.categories is None else {"categories": self.categories}
        return {"title": self.titles, **categories, **self.texts}

    @property
    def _list_bytes(self) -> bytes:
        """Categories and text fields."""
        categories = b"" if self.categories is None else _bytes_of_lists(self.categories)
        return categories + b"".join(name.encode() + _bytes_of_lists(lists) for name, lists in self.texts.items())

    @cached_property
    def items_fingerprint(self) -> str:
        """SHA-256 over ids and texts of the items, without interactions."""
        digest = hashlib.sha256(_string_bytes(self.item_ids) + _string_bytes(self.titles))
        digest.update(self._list_bytes)
        return digest.hexdigest()

    def history(self, user: int) -> ItemIndices:
        """(n,) int32, the items of one user, oldest first."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def titles_of(self, items: npt.NDArray[np.integer]) -> list[str]:
        """Titles of some items, in the order given."""
        return [str(title) for title in self.titles.take(pa.array(np.asarray(items, dtype=np.int64))).to_pylist()]


def descend_within(times: Ints, offsets: Ints, at_once: int = CHECKED_AT_ONCE) -> bool:
    """Whether the times of any user descend. Works in blocks, because the arrays may be larger than memory."""
    for first in range(0, len(times), at_once):
        stop = min(first + at_once + 1, len(times))
        backwards = np.diff(times[first:stop]) < 0
        low, high = np.searchsorted(offsets, (first + 1, stop))
        backwards[offsets[low:high] - first - 1] = False
        if backwards.any():
            return True
    return False


def _bytes_of_lists(lists: pa.Array) -> bytes:
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64).tobytes() + _string_bytes(lists.flatten())


def _string_bytes(strings: pa.Array) -> bytes:
    """Serialise a string array as offsets and UTF-8, independent of Arrow's chunks and slices."""
    compact = pa.concat_arrays([strings.cast(pa.large_string()), pa.nulls(0, pa.large_string())])
    _, offsets, data = compact.buffers()
    if len(compact) == 0:
        return b"0"
    ends = np.frombuffer(offsets, dtype=np.int64)[: len(compact) + 1]
    values = b"" if data is None else data.to_pybytes()[: int(ends[-1])]
    return ends.tobytes() + values


def spread(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """List every element of some spans of a flat array, span by span.

    Args:
        starts: (R,) int64, flat position of the first element of each span.
        lengths: (R,) int64, number of elements of each span, not negative.

    Returns:
        (n,) int64 span and (n,) int64 flat position of each element, n = sum of the lengths.
    """
    row = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    shift = starts - (np.cumsum(lengths) - lengths)
    return row, np.arange(len(row), dtype=np.int64) + shift[row]
