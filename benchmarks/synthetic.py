"""Domains of any size: Zipf items, geometric history lengths, titles from a Zipf word list. Vectorised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from domains.domain import Domain, Ints, TimeKind

FIRST_SECOND = 1_300_000_000
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "za")
SHORTEST = 5


@dataclass(frozen=True)
class Size:
    """How large a domain is to be.

    Attributes:
        users: U.
        items: I.
        mean_length: interactions a user, on average; the shortest history has five.
        words: of the list that titles are drawn from.
        words_a_title: in every title.
    """

    users: int
    items: int
    mean_length: float = 10.0
    words: int = 20_000
    words_a_title: int = 5


def synthetic_domain(size: Size, seed: int = 0) -> Domain:
    """A prepared domain, without going through files."""
    rng = np.random.default_rng(seed)
    offsets, items, times = _interactions(size, rng)
    return Domain(
        name=f"synthetic-{size.users}-{size.items}",
        item_ids=_ids("i", size.items),
        titles=_titles(size, rng),
        categories=None,
        user_ids=_ids("u", size.users),
        offsets=offsets,
        items=items.astype(np.int32),
        times=times,
        time_kind=TimeKind.TIMESTAMP,
        repeats=True,
    )


def write_tables(size: Size, folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """The same data as raw Parquet files, rows in no order: what preparation starts from.

    Returns:
        paths of the interactions and of the items.
    """
    rng = np.random.default_rng(seed)
    offsets, items, times = _interactions(size, rng)
    users = np.repeat(np.arange(size.users), np.diff(offsets))
    order = rng.permutation(len(items))
    folder.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame({"user_id": users[order], "item_id": items[order], "timestamp": times[order]})
    frame = frame.with_columns(_named("u", "user_id"), _named("i", "item_id"))
    frame.write_parquet(folder / "interactions.parquet")
    table = pl.DataFrame({"item_id": np.arange(size.items), "title": pl.Series(_titles(size, rng))})
    table.with_columns(_named("i", "item_id")).write_parquet(folder / "items.parquet")
    return folder / "interactions.parquet", folder / "items.parquet"


def _interactions(size: Size, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """User offsets (U + 1,), items (N,) and times (N,)."""
    lengths = SHORTEST - 1 + rng.geometric(1 / (size.mean_length - SHORTEST + 1), size.users)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    items = _zipf(size.items, int(offsets[-1]), rng)
    gaps = rng.integers(1, 86_400 * 30, len(items))
    elapsed = np.cumsum(gaps)
    before = np.concatenate([[0], elapsed])[offsets[:-1]]
    return offsets, items, FIRST_SECOND + elapsed - np.repeat(before, lengths)


def _zipf(kinds: int, draws: int, rng: np.random.Generator, exponent: float = 0.8) -> Ints:
    """(draws,) numbers below `kinds`, the n-th with a probability proportional to n to the power -exponent."""
    weights = np.arange(1, kinds + 1, dtype=np.float64) ** -exponent
    reached = np.cumsum(weights)
    return np.searchsorted(reached, rng.random(draws) * reached[-1]).clip(max=kinds - 1)


def _titles(size: Size, rng: np.random.Generator) -> pa.Array:
    words = _words(size.words)
    drawn = _zipf(size.words, size.items * size.words_a_title, rng, 1.0).reshape(size.items, -1)
    frame = pl.DataFrame({str(column): words[drawn[:, column]] for column in range(size.words_a_title)})
    return frame.select(pl.concat_str(pl.all(), separator=" ")).to_series().to_arrow().cast(pa.large_string())


def _words(count: int) -> npt.NDArray[np.object_]:
    """Distinct words of four syllables or more."""
    digits = max(4, int(np.ceil(np.log(max(2, count)) / np.log(len(SYLLABLES)))))
    numbers = np.arange(count)
    syllables = np.array(SYLLABLES, dtype=object)
    words = np.full(count, "", dtype=object)
    for place in range(digits):
        words = words + syllables[numbers // len(SYLLABLES) ** place % len(SYLLABLES)]
    return words


def _ids(letter: str, count: int) -> pa.Array:
    numbers = pl.DataFrame({"number": np.arange(count)})
    return numbers.select(_named(letter, "number")).to_series().to_arrow().cast(pa.large_string())


def _named(letter: str, column: str) -> pl.Expr:
    """Numbers as ids."""
    return pl.format(letter + "{}", pl.col(column)).alias(column)
