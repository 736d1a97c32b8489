"""Read the item table: one title, categories and text fields for each item of the interactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from domains.errors import DataError, InputError, Problems
from domains.ids import is_binary, to_ids
from domains.io.collect import collect
from domains.raw_cells import Rows, counted, plain_text
from domains.raw_tables import TEXT, RawTables
from domains.settings import PrepareSettings
from domains.text_fields import read_texts

LONGEST_TITLE = 100_000
"""Maximum characters of a title. Real titles are much shorter; scraped ones can have several thousand."""

NO_TITLE = ("?", "??", "???", "-", "--", "---", ".", "nan", "NaN", "null", "NULL", "<NA>", "N/A", "n/a", "#N/A", "\\N")
"""What programs write for a missing title; unlike `MISSING`, none is a word that names a thing."""


def read_item_rows(raw: RawTables, settings: PrepareSettings, problems: Problems) -> tuple[pl.DataFrame, list[str]]:
    """Read and clean the item table.

    Args:
        raw: tables of a loader.
        settings: `missing` decides about rows without an id.
        problems: collects wrong rows; the result does not contain them.

    Returns:
        ``item_id`` (String), ``title`` (String, ``""`` if there is none) and ``categories`` and ``text:NAME``
        (List(String)) if the source has them; and notes.

    Raises:
        InputError: the table cannot be read, or its titles are no text.
    """
    location = raw.items_location
    frame = collect(raw.items, location)
    ids = to_ids(frame["item_id"], "item id", location, missing=settings.missing, problems=problems)
    if is_binary(frame["title"]):
        raise DataError(
            "the titles are bytes that are no text", location=location, hint="Map another column", code="column"
        )
    titles, notes = clean_titles(frame["title"].cast(pl.String), location)
    frame = frame.with_columns(ids.alias("item_id"), titles.alias("title"))
    if "categories" in frame.columns:
        named = pl.element().filter(pl.element().str.strip_chars() != "")  # null and blank are not names
        frame = frame.with_columns(pl.col("categories").list.eval(named))
    frame, said = read_texts(frame, location)
    notes += said
    rows = Rows(location)
    if ids.null_count():
        rows = Rows(location, ids.is_not_null().arg_true() + 1)
        frame = frame.filter(ids.is_not_null())
        if settings.missing == "drop":
            notes.append(
                f"{counted(ids.null_count(), 'row')} of {PurePath(location).name} without an item id left out "
                "(missing: drop)."
            )
    _check_titles(frame, rows, problems)
    return frame, notes


def clean_titles(titles: pl.Series, location: object) -> tuple[pl.Series, list[str]]:
    """Remove line ends, markup and HTML entities from titles; null becomes empty. Also return notes.

    Args:
        titles: (I,) String.
        location: the file, for the notes.
    """
    titles = titles.fill_null("")
    notes = []
    name = PurePath(str(location)).name
    lines = titles.str.strip_chars().str.contains(r"[\r\n]").arg_true()
    if len(lines):
        example = " / ".join(titles[lines[0]].strip().splitlines())
        notes.append(
            f"{counted(len(lines), 'title')} of {name} with line ends, such as {_short(example)}: if these are several "
            "rows, a quote mark joined them, and quoting: none reads them apart."
        )
    plain, marked = plain_text(titles)
    if len(marked):
        notes.append(
            f"{counted(len(marked), 'title')} of {name} with markup, entities or misread letters, read as plain text: "
            f"{_short(titles[marked[0]])} is {_short(plain[marked[0]])}."
        )
    plain = plain.str.replace_all(r"\s+", " ").str.strip_chars()
    return plain.set(plain.is_in(list(NO_TITLE)), ""), notes


def _short(text: str) -> str:
    return repr(text if len(text) <= 50 else f"{text[:47]}...")


def _check_titles(frame: pl.DataFrame, rows: Rows, problems: Problems) -> None:
    """Add problems for titles with a NUL byte, and for titles so long that several rows must have been joined."""
    damaged = frame["title"].str.contains("\0", literal=True).arg_true()
    if len(damaged):
        problems.add(
            DataError(
                f"the title of item {frame['item_id'][damaged[0]]!r} holds a NUL byte",
                location=rows.at(damaged[0]),
                hint="Remove it; the file may be damaged",
                code="nul-byte",
            )
        )
    lengths = frame["title"].str.len_chars()
    endless = (lengths > LONGEST_TITLE).arg_true()
    if len(endless):
        problems.add(
            DataError(
                f"the title of item {frame['item_id'][endless[0]]!r} has {lengths[endless[0]]:,} characters",
                location=rows.at(endless[0]),
                hint=f"Titles have at most {LONGEST_TITLE:,}; look for a quote that is not closed, set quoting to "
                "'none', or map another column",
                code="title-length",
            )
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemTable:
    """I items: those of the interactions in the order of their ids, then the others.

    Attributes:
        ids: large_string.
        titles: large_string, ``""`` where there is none.
        categories: large_list<large_string>, or None if the source has no categories.
        texts: further text fields by name, large_list<large_string> each.
        known: bool, whether the item has a row in the item table.
        titled: bool, whether it has a title.
        unused: number of items of the table without interactions; if `catalogue` is ``all``, those with a title are
            included here.
    """

    ids: pa.Array
    titles: pa.Array
    categories: pa.Array | None
    texts: Mapping[str, pa.Array]
    known: npt.NDArray[np.bool_]
    titled: npt.NDArray[np.bool_]
    unused: int


def read_items(
    raw: RawTables, frame: pl.DataFrame, item_ids: pa.Array, settings: PrepareSettings
) -> tuple[ItemTable, list[str]]:
    """Look up the items of the interactions; also return notes.

    Args:
        raw: the tables, for their locations in messages.
        frame: from `read_item_rows`.
        item_ids: (I,) of the interactions.
        settings: `catalogue`, `unknown_items` and `duplicate_items`.

    Raises:
        InputError: an item has no row and `unknown_items` is ``error``, or several titles and `duplicate_items` is
            ``error``.
    """
    wanted = pl.DataFrame({"item_id": pl.Series(item_ids)})
    others = frame.join(wanted, on="item_id", how="anti").select("item_id").unique().sort("item_id")
    if settings.catalogue == "all":
        titled_rows = frame.filter(pl.col("title") != "").select("item_id")
        wanted = pl.concat([wanted, others.join(titled_rows, on="item_id", how="semi", maintain_order="left")])
    used = frame.join(wanted, on="item_id", how="semi", maintain_order="left")
    used, notes = _merge_duplicates(used, settings, raw)
    joined = wanted.join(
        used.with_columns(pl.lit(value=True).alias("known")), on="item_id", how="left", maintain_order="left"
    )
    known = joined["known"].fill_null(value=False).to_numpy()
    if not known.all() and settings.unknown_items == "error":
        raise _unknown(item_ids, known[: len(item_ids)], frame, raw)
    titles = joined["title"].fill_null("")
    empty = pl.lit([], dtype=pl.List(pl.String))
    lists = {name: _one_array(joined.select(pl.col(name).fill_null(empty))[name]) for name in _list_columns(joined)}
    categories = lists.pop("categories", None)
    texts = {name.removeprefix(TEXT): values for name, values in lists.items()}
    titled = (titles != "").to_numpy()
    ids = _one_array(wanted["item_id"])
    return ItemTable(
        ids=ids,
        titles=_one_array(titles),
        categories=categories,
        texts=texts,
        known=known,
        titled=titled,
        unused=others.height,
    ), notes


def _list_columns(frame: pl.DataFrame) -> list[str]:
    """Return the columns of categories and text fields."""
    return [name for name in frame.columns if name == "categories" or name.startswith(TEXT)]


def _merge_duplicates(frame: pl.DataFrame, settings: PrepareSettings, raw: RawTables) -> tuple[pl.DataFrame, list[str]]:
    """Merge the rows of an item: one title, and the categories and texts of all rows."""
    location = raw.items_location
    if frame["item_id"].n_unique() == frame.height:
        return frame, []
    titled = frame.filter(pl.col("title") != "")
    titles = titled.group_by("item_id", maintain_order=True).agg(pl.col("title").unique(maintain_order=True))
    disagreeing = several = titles.filter(pl.col("title").list.len() > 1)
    if several.height and settings.duplicate_items == "error":
        first, second = several["title"][0][:2]
        raise DataError(
            f"item {several['item_id'][0]!r} has several titles: {first[:60]!r} and {second[:60]!r} "
            f"({several.height:,} such items)",
            location=location,
            hint="Correct the file, or set duplicate_items to 'most' (what most rows say), 'first' or 'longest'",
            code="titles-differ",
        )
    weight = pl.col("title").str.len_chars()
    rank = weight if settings.duplicate_items == "longest" else (weight > 0)
    if settings.duplicate_items == "most":
        rank = pl.when(weight > 0).then(pl.len().over("item_id", "title")).otherwise(0)
    merged = frame.with_columns(rank.alias("rank")).sort("rank", descending=True, maintain_order=True)
    merged = merged.unique("item_id", keep="first", maintain_order=True).drop("rank")
    for name in _list_columns(frame):
        # Some tables have a row for each category or author of an item.
        several = (
            frame.filter(pl.col("item_id").is_duplicated())
            .group_by("item_id")
            .agg(pl.col(name).explode().drop_nulls().unique(maintain_order=True).alias("of all rows"))
        )
        merged = merged.join(several, on="item_id", how="left", maintain_order="left")
        merged = merged.with_columns(pl.coalesce("of all rows", name).alias(name)).drop("of all rows")
    again = frame.height - merged.height
    notes = []
    if location != raw.interactions_location:  # there, each row is an interaction
        verb = "repeats an item" if again == 1 else "repeat items"
        notes.append(f"{counted(again, 'row')} of {PurePath(location).name} {verb} of other rows.")
    if disagreeing.height:
        notes.append(_several_titles(disagreeing, merged, settings.duplicate_items))
    return merged, notes


def _several_titles(disagreeing: pl.DataFrame, merged: pl.DataFrame, which: str) -> str:
    """Return a note on items with several titles, with an example."""
    item, titles = disagreeing.row(0)
    taken = merged.filter(pl.col("item_id") == item)["title"][0]
    other = next(title for title in titles if title != taken)
    how = {
        "most": "the one that most rows have is taken",
        "first": "the first is taken",
        "longest": "the longest is taken",
    }
    return (
        f"{counted(disagreeing.height, 'item')} with several titles: {how[which]} (duplicate_items: {which}). "
        f"Item {item} is {taken[:50]!r}, not {other[:50]!r}."
    )


ALIKE = "Write the ids alike in both files (case, leading zeros and a float's '.0' make them differ), or map the column"
"""Hint for two files whose ids differ; the content of the column follows."""


def otherwise_written(ids: pl.Series, there: pl.Series) -> int:
    """Count the ids that match only if case, blanks, leading zeros and a final ``.0`` are ignored."""
    plain = (
        column.str.normalize("NFKC")
        .str.to_lowercase()
        .str.replace_all(r"\s+", "")
        .str.replace(r"\.0$", "")
        .str.replace(r"^0+([0-9])", "$1")
        for column in (ids, there)
    )
    meet = next(plain).is_in(next(plain).implode())
    return int((meet & ~ids.is_in(there.implode())).sum())


def _unknown(item_ids: pa.Array, known: npt.NDArray[np.bool_], frame: pl.DataFrame, raw: RawTables) -> InputError:
    """Return the error for missing items: a few are missing, or the two files write ids differently."""
    if frame.is_empty():
        return DataError(
            "no items", location=raw.items_location, hint="The file is empty or holds only a header", code="empty"
        )
    missing = int((~known).sum())
    first = item_ids[int(np.flatnonzero(~known)[0])].as_py()
    otherwise = otherwise_written(pl.Series(item_ids), frame["item_id"].unique())
    listed = listed_ids(pl.Series(item_ids).filter(pl.Series(~known)), frame["item_id"].unique())
    if len(listed) > missing / 2:
        return several_ids(listed, len(item_ids), raw.interactions_location)
    if known.any() and otherwise > missing / 2:
        return DataError(
            f"{missing:,} of {len(item_ids):,} items of {raw.interactions_location} have no row, such as {first!r}, "
            f"but {otherwise:,} of them have one under an id that is written otherwise",
            location=raw.items_location,
            hint=f"{ALIKE} that holds the item id",
            code="unknown-item",
        )
    if not known.any():
        return DataError(
            f"none of the {missing:,} item ids of {raw.interactions_location}, such as {first!r}, is among its "
            f"{frame['item_id'].n_unique():,} ids, such as {frame['item_id'][0]!r}",
            location=raw.items_location,
            hint=f"{ALIKE} that holds the item id",
            code="unknown-item",
        )
    return DataError(
        f"{missing:,} of {len(item_ids):,} items of {raw.interactions_location} have no row, the first is {first!r}",
        location=raw.items_location,
        hint="Set unknown_items to 'drop' (without them) or 'keep' (without a title)",
        code="unknown-item",
    )


def several_ids(listed: list[str], n_ids: int, location: object) -> DataError:
    """Return the error for cells that hold several ids.

    Args:
        listed: result of `listed_ids`.
        n_ids: number of all distinct cells.
        location: the interactions.
    """
    return DataError(
        f"{len(listed):,} of {n_ids:,} item ids are several ids in one cell, such as {listed[0][:60]!r}",
        location=location,
        hint="Write one row for each item, or lists such as [12, 45]",
        code="several-ids",
    )


def listed_ids(ids: pl.Series, there: pl.Series) -> list[str]:
    """Return the ids that are several known ids, with commas, semicolons, bars or blanks between them."""
    listed = pl.Series([False]).new_from_index(0, len(ids))
    for sign in (r"\s*[,;|]\s*", r"\s*[,;|\s]\s*"):  # titles are ids with blanks
        parts = ids.str.strip_chars().str.replace_all(sign, "\n").str.split("\n")
        known = parts.list.eval(pl.element().is_in(there.implode())).list.all()
        listed |= (parts.list.len() > 1) & known
    return ids.filter(listed).to_list()


def _one_array(series: pl.Series) -> pa.Array:
    """Convert to one contiguous Arrow array with 64-bit offsets."""
    if series.dtype == pl.String:
        return pa.concat_arrays([series.to_arrow().cast(pa.large_string())])
    return pa.concat_arrays([series.to_arrow().cast(pa.large_list(pa.large_string()))])
