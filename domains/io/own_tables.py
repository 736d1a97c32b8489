"""Scan a user's own table: nested records become columns, lists of items become rows, and so do lists of records."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import polars as pl

from domains.column_names import usual_column
from domains.io.collect import collect, schema_of
from domains.io.columns import split_list
from domains.io.head import Header
from domains.io.quoting import Quoting
from domains.io.scan import scan

HEAD = 100
"""Rows in which a list written as text is looked for."""
LISTED = r"^\s*\[.*\]\s*$"
BARE = "[](){}'\" "


def scan_own(
    source: str,
    *,
    separator: str | None = None,
    encoding: str = "utf-8",
    quoting: Quoting = "auto",
    header: Header = "auto",
    user: str | None = None,
    item: str | None = None,
) -> pl.LazyFrame:
    """Scan as `scan` does; each field of a record is also a column, ``user.id``, and orders become lines of orders.

    Args:
        source: path, glob, folder or address.
        separator: of delimited text; detected by default.
        encoding: of delimited text.
        quoting: of delimited text.
        header: of delimited text.
        user: column of the users, if it is known; the one with a usual name, if there is none.
        item: column of the items, or field of the records in a list, if it is known; else as for users.

    Raises:
        InputError: as `scan`.
    """
    table = flatten(scan(source, separator=separator, encoding=encoding, quoting=quoting, header=header), source)
    return _one_record_per_row(table, user, item, source)


def flatten(table: pl.LazyFrame, location: str) -> pl.LazyFrame:
    """Add the fields of records as columns, ``user.address.city`` too; a record of MongoDB's ``$date`` is its field.

    Text kept in a dictionary becomes text, and times with a zone those of UTC.
    """
    while True:
        types = schema_of(table, location)
        records = {name: kind for name, kind in types.items() if isinstance(kind, pl.Struct)}
        wrapped = {name: kind.fields[0].name for name, kind in records.items() if _wrapped(kind)}
        fields = {
            f"{name}.{field.name}": pl.col(name).struct.field(field.name)
            for name, kind in records.items()
            if name not in wrapped
            for field in kind.fields
        }
        new = {name: column for name, column in fields.items() if name not in types}
        new |= {name: pl.col(name).struct.field(field) for name, field in wrapped.items()}
        if not new:
            return table.with_columns(_usual(pl.col(name), kind) for name, kind in types.items())
        table = table.with_columns(column.alias(name) for name, column in new.items())


def _usual(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """Return a column in the one type that stands for all of its sort."""
    if kind in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    return column.cast(pl.Datetime(kind.time_unit)) if isinstance(kind, pl.Datetime) else column


def _one_record_per_row(table: pl.LazyFrame, user: str | None, item: str | None, location: str) -> pl.LazyFrame:
    """Make a row of each record of a list if users stand outside it and items within: ``line_items`` of an order.

    The fields of a record become columns under their own names, or as ``line_items.id`` where the name is taken.
    """
    types = schema_of(table, location)
    within = {name: kind.inner for name, kind in types.items() if isinstance(kind, pl.List)}
    lists = {name: list(inner.to_schema()) for name, inner in within.items() if isinstance(inner, pl.Struct)}

    everywhere = {*types, *chain.from_iterable(lists.values())}

    def has(role: str, known: str | None, columns: Sequence[str]) -> bool:
        return known in columns if known in everywhere else usual_column(role, columns) is not None

    found = [name for name, fields in lists.items() if has("item", item, fields)]
    if len(found) != 1 or not has("user", user, list(types)) or has("item", item, list(types)):
        return table
    column = found[0]
    fields = {
        field if field not in types else f"{column}.{field}": pl.col(column).struct.field(field)
        for field in lists[column]
    }
    rows = table.explode(column).drop_nulls(column).with_columns(field.alias(name) for name, field in fields.items())
    return flatten(rows.drop(column), location)


def one_item_per_row(table: pl.LazyFrame, column: str, location: str) -> pl.LazyFrame:
    """Make a row of each item where a column holds lists: of a list type, or as text such as ``[12, 45]``.

    Args:
        table: the interactions.
        column: the column of items.
        location: the file, for errors.
    """
    kind = schema_of(table, location)[column]
    if kind == pl.String:
        head = collect(table.select(column).head(HEAD), location)[column].drop_nulls()
        if head.is_empty() or not head.str.contains(LISTED).all():
            return table
        table = table.with_columns(split_list(column, ","))
        return table.explode(column).with_columns(pl.col(column).str.strip_chars(BARE))
    return table.explode(column) if isinstance(kind, pl.List) and not kind.inner.is_nested() else table


def _wrapped(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Struct) and len(kind.fields) == 1 and kind.fields[0].name.startswith("$")
