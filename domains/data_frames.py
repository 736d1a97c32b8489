"""Make a `Domain` from data frames in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from domains.domain import TEXT_TYPE
from domains.errors import DataError, InputError, Problems
from domains.io.columns import map_interactions, map_items
from domains.io.own_tables import flatten
from domains.items import read_item_rows
from domains.newer import Reading
from domains.preparation import prepare
from domains.preparation_report import PreparedDomain
from domains.raw_tables import TEXT, RawTables
from domains.settings import ColumnMapping, PrepareSettings


def from_frames(
    interactions: Any,
    items: Any | None = None,
    *,
    columns: ColumnMapping | None = None,
    settings: PrepareSettings | None = None,
    category_separator: str = "|",
    name: str = "frames",
) -> PreparedDomain:
    """Prepare a domain from two frames.

    Args:
        interactions: a polars, pandas or Arrow table of users, items and times. Named levels of a pandas index are
            columns too.
        items: a table of items and titles; default: that of the interactions.
        columns: names of the columns; others are found by their usual names.
        settings: how to prepare; default: `PrepareSettings()`.
        category_separator: what separates categories that stand in one text.
        name: of the domain.

    Raises:
        InputError: as `domains.preparation.prepare`, or an argument is not a data frame.
    """
    columns = columns or ColumnMapping()
    acts = _lazy(interactions, "interactions")
    things = acts if items is None else _lazy(items, "items")
    raw = RawTables(
        interactions=map_interactions(acts, columns, "interactions"),
        items=map_items(things, columns, category_separator, "items"),
        name=name,
    )
    return prepare(raw, settings or PrepareSettings())


@dataclass(frozen=True, eq=False)
class NewItems:
    """Items that are not in a domain yet.

    Attributes:
        ids: (n) ids.
        titles: (n) titles, none empty.
        fields: ``categories`` and further text fields by name, (n,) large_list<large_string>; may be empty.
    """

    ids: Sequence[str]
    titles: Sequence[str]
    fields: Mapping[str, pa.Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.titles):
            raise DataError(f"{len(self.ids)} ids for {len(self.titles)} titles", location="new items", code="frame")


def read_new_items(items: Any, reading: Reading | None = None) -> NewItems:
    """Read a table of new items: ids, titles, categories and text fields.

    Text is cleaned in the same way as that of a domain.

    Args:
        items: a polars, pandas or Arrow table, or a path.
        reading: how the items of the domain were read; by default, columns have their usual names.

    Raises:
        InputError: it is not a table, or a column, an id or a title is missing.
    """
    reading = reading or Reading.of()
    if isinstance(items, str | Path):
        location = str(items)
        table = reading.scan_items(location)
    else:
        location, table = "items", _lazy(items, "items")
    raw = RawTables(
        interactions=pl.LazyFrame(),
        items=map_items(table, reading.columns_in(table, location), reading.options.category_separator, location),
        name="items",
        items_location=location,
    )
    problems = Problems()
    frame, _ = read_item_rows(raw, PrepareSettings(), problems)
    problems.check()
    untitled = (frame["title"] == "").arg_true()
    if len(untitled):
        item = frame["item_id"][untitled[0]]
        raise DataError(
            f"item {item!r} has no title", location=location, hint="Give every new item one", code="title-missing"
        )
    names = [name for name in frame.columns if name == "categories" or name.startswith(TEXT)]
    fields = {name.removeprefix(TEXT): _lists(frame[name]) for name in names}
    return NewItems(frame["item_id"].to_list(), frame["title"].to_list(), fields)


def _lists(column: pl.Series) -> pa.Array:
    """(n,) large_list<large_string> without nulls."""
    return pa.array([values or [] for values in column.to_list()], TEXT_TYPE)


def _lazy(frame: Any, what: str) -> pl.LazyFrame:
    return flatten(_from_any(frame, what), what)


def _from_any(frame: Any, what: str) -> pl.LazyFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    if frame is None:  # polars makes an empty table of it
        raise _explain_refusal(frame, what)
    try:
        if type(frame).__module__.startswith("pandas"):
            return pl.from_pandas(_with_index(frame)).lazy()
        return pl.DataFrame(pl.from_arrow(frame)).lazy()
    except (AttributeError, TypeError, ValueError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise _explain_refusal(frame, what) from error


def _with_index(frame: Any) -> Any:
    """Return a pandas table whose index has become columns where it has names that no column has."""
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=levels) if levels else frame


def _explain_refusal(frame: Any, what: str) -> InputError:
    """Explain why polars cannot read a frame: repeated names, a column of mixed types, or not a frame."""
    # An Arrow table has `column_names`; its `columns` are the values.
    names = [str(name) for name in getattr(frame, "column_names", getattr(frame, "columns", ()))]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        return DataError(
            f"several columns are called {repeated[0]!r}",
            location=what,
            hint="Give the columns different names",
            code="frame",
        )
    mixed = _mixed_column(frame) if names and type(frame).__module__.startswith("pandas") else None
    if mixed is not None:
        types = sorted({type(value).__name__ for value in frame[mixed].dropna()})
        return DataError(
            f"column {mixed!r} holds {' and '.join(types)}",
            location=what,
            hint="Make it text, for example with .astype('string')",
            code="frame",
        )
    return DataError(
        f"a {type(frame).__name__} is not a data frame",
        location=what,
        hint="Give a polars, pandas or Arrow table",
        code="frame",
    )


def _mixed_column(frame: Any) -> Any | None:
    """Return the first column of a pandas frame whose values have no common type."""
    for name in frame.columns:
        try:
            pl.from_pandas(frame[name])
        except (TypeError, ValueError, pl.exceptions.PolarsError, pa.ArrowException):
            return name
    return None
