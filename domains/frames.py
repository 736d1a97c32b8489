"""From data frames in memory to a `Domain`."""

from __future__ import annotations

from typing import Any

import polars as pl

from domains.errors import InputError
from domains.ids import to_ids
from domains.io.collect import collect
from domains.io.columns import map_interactions, map_items
from domains.io.scan import scan
from domains.prepare import prepare
from domains.raw import RawTables
from domains.report import PreparedDomain
from domains.settings import ColumnMapping, PrepareSettings


def from_frames(
    interactions: Any,
    items: Any,
    *,
    columns: ColumnMapping | None = None,
    settings: PrepareSettings | None = None,
    category_separator: str = "|",
    name: str = "frames",
) -> PreparedDomain:
    """Prepare a domain from two frames.

    Args:
        interactions: a polars, pandas or Arrow table of users, items and times.
        items: a table of items and titles; may be the same table.
        columns: names of their columns; the others are found by their usual names.
        settings: how to prepare; default: `PrepareSettings()`.
        category_separator: what separates categories that stand in one text.
        name: of the domain.

    Raises:
        InputError: as `domains.prepare.prepare`, or the frames are of another kind.
    """
    columns = columns or ColumnMapping()
    acts, things = _lazy(interactions, "interactions"), _lazy(items, "items")
    raw = RawTables(
        map_interactions(acts, columns, "interactions"),
        map_items(things, columns, category_separator, "items"),
        name,
    )
    return prepare(raw, settings or PrepareSettings())


def titled_items(items: Any, location: str = "items") -> tuple[list[str], list[str]]:
    """Return ids and titles of a table of items, such as the new items of a catalogue.

    Args:
        items: a polars, pandas or Arrow table, or the path of one.
        location: for errors.

    Raises:
        InputError: it is no table, or lacks a column, an id or a title.
    """
    table = scan(items) if isinstance(items, str) else _lazy(items, location)
    frame = collect(map_items(table, ColumnMapping(), "|", location), location)
    titles = frame["title"].cast(pl.String).str.strip_chars().fill_null("")
    if (titles == "").any():
        row = int((titles == "").arg_max() or 0)
        raise InputError(
            f"item {frame['item_id'][row]!r} has no title", location=location, hint="Give every new item one"
        )
    return to_ids(frame["item_id"], "item id", location).to_list(), titles.to_list()


def _lazy(frame: Any, what: str) -> pl.LazyFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    try:
        if type(frame).__module__.startswith("pandas"):
            return pl.from_pandas(frame).lazy()
        return pl.DataFrame(pl.from_arrow(frame)).lazy()
    except (AttributeError, TypeError, ValueError, pl.exceptions.DuplicateError) as error:
        raise _refusal(frame, what) from error


def _refusal(frame: Any, what: str) -> InputError:
    """Explain why polars refuses a frame: repeated names, a column of mixed values, or no frame at all."""
    # An Arrow table has `column_names`; its `columns` are the values.
    names = [str(name) for name in getattr(frame, "column_names", getattr(frame, "columns", ()))]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        return InputError(
            f"several columns are called {repeated[0]!r}", location=what, hint="Give the columns different names"
        )
    mixed = _mixed_column(frame) if names and type(frame).__module__.startswith("pandas") else None
    if mixed is not None:
        types = sorted({type(value).__name__ for value in frame[mixed].dropna()})
        return InputError(
            f"column {mixed!r} holds {' and '.join(types)}",
            location=what,
            hint="Make it text, for example with .astype('string')",
        )
    return InputError(
        f"a {type(frame).__name__} is no data frame", location=what, hint="Give a polars, pandas or Arrow table"
    )


def _mixed_column(frame: Any) -> Any | None:
    """Name of the first column of a pandas frame whose values have no common type."""
    for name in frame.columns:
        try:
            pl.from_pandas(frame[name])
        except (TypeError, ValueError):
            return name
    return None
