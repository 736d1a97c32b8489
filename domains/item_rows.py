"""The rows of the item table: ids as text, titles without blanks, markup and entities, categories without blanks."""

from __future__ import annotations

from pathlib import PurePath

import polars as pl

from domains.cells import Rows, counted
from domains.errors import InputError
from domains.ids import to_ids
from domains.io.collect import collect
from domains.markup import plain_text
from domains.problems import Problems
from domains.raw import RawTables
from domains.settings import PrepareSettings
from domains.texts import read_texts

LONGEST_TITLE = 100_000
"""Characters. Real titles end long before; several thousand occur where pages were scraped."""


def read_item_rows(raw: RawTables, settings: PrepareSettings, problems: Problems) -> tuple[pl.DataFrame, list[str]]:
    """Read and clean the item table.

    Args:
        raw: what a loader read.
        settings: `missing` decides about rows without an id.
        problems: where rows that are wrong are noted; the result is without them then.

    Returns:
        ``item_id`` (String), ``title`` (String, ``""`` if there is none) and ``categories`` and ``text:NAME``
        (List(String)) if the source has them; and what was noticed.

    Raises:
        InputError: the table cannot be read.
    """
    location = raw.items_place
    frame = collect(raw.items, location)
    ids = to_ids(frame["item_id"], "item id", location, missing=settings.missing, problems=problems)
    titles, notes = clean_titles(frame["title"].cast(pl.String), location)
    frame = frame.with_columns(ids.alias("item_id"), titles.alias("title"))
    if "categories" in frame.columns:
        named = pl.element().filter(pl.element().str.strip_chars() != "")  # a null is no more a name than a blank
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
    """(I,) String without nulls, line ends, markup and HTML entities, and a note for each kind that occurred.

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
            f"{counted(len(marked), 'title')} of {name} with markup or entities, read as plain text: "
            f"{_short(titles[marked[0]])} is {_short(plain[marked[0]])}."
        )
    return plain.str.replace_all(r"\s+", " ").str.strip_chars(), notes


def _short(text: str) -> str:
    return repr(text if len(text) <= 50 else f"{text[:47]}...")


def _check_titles(frame: pl.DataFrame, rows: Rows, problems: Problems) -> None:
    """Note a NUL byte, and a title so long that it can only be rows that ran together."""
    damaged = frame["title"].str.contains("\0", literal=True).arg_true()
    if len(damaged):
        problems.add(
            InputError(
                f"the title of item {frame['item_id'][damaged[0]]!r} holds a NUL byte",
                location=rows.at(damaged[0]),
                hint="Remove it; the file may be damaged",
            )
        )
    lengths = frame["title"].str.len_chars()
    endless = (lengths > LONGEST_TITLE).arg_true()
    if len(endless):
        problems.add(
            InputError(
                f"the title of item {frame['item_id'][endless[0]]!r} has {lengths[endless[0]]:,} characters",
                location=rows.at(endless[0]),
                hint=f"Titles have at most {LONGEST_TITLE:,}; look for a quote that is not closed, set quoting to "
                "'none', or map another column",
            )
        )
