"""Ids as text, the same text whichever type a file stored them in."""

from __future__ import annotations

import polars as pl

from domains.errors import InputError
from domains.times import LARGEST_EXACT

ROUNDED = r"^\d\.\d+e\+\d+$"
"""Text that was a float: its last digits are gone."""


def to_ids(column: pl.Series, what: str, location: object) -> pl.Series:
    """(N,) String without nulls: surrounding blanks cut off, whole floats written as integers (7.0 -> "7").

    Args:
        column: ids as text, integers, floats or categories.
        what: "user id" or "item id", for messages.
        location: the file, for messages.

    Raises:
        InputError: a row has no id, ids were rounded, or the column's type cannot identify anything.
    """
    if column.dtype.is_float():
        fractions = (column != column.floor()).arg_true()
        if len(fractions):
            raise InputError(
                f"{what} {column[fractions[0]]} is a number with a fraction",
                location=f"{location}, row {fractions[0] + 1}",
                hint=f"Map the column that holds the {what}",
            )
        _refuse_rounded(column, column.abs() >= LARGEST_EXACT, what, location)
        column = column.fill_nan(None).cast(pl.Int64)
    if column.dtype.is_nested() or column.dtype.is_temporal() or column.dtype == pl.Boolean:
        raise InputError(
            f"a column of type {column.dtype} cannot be the {what}", location=location, hint="Map another column"
        )
    ids = column.cast(pl.String).str.strip_chars()
    _refuse_rounded(ids, ids.str.contains(ROUNDED), what, location)
    missing = (ids.is_null() | (ids == "")).arg_true()
    if len(missing):
        raise InputError(
            f"no {what} ({len(missing):,} such rows)",
            location=f"{location}, row {missing[0] + 1}",
            hint="Fill it in, or remove the row",
        )
    damaged = ids.str.contains("\0", literal=True).arg_true()
    if len(damaged):
        raise InputError(
            f"{what} {ids[damaged[0]]!r} holds a NUL byte",
            location=f"{location}, row {damaged[0] + 1}",
            hint="Remove it; the file may be damaged",
        )
    return ids


def _refuse_rounded(column: pl.Series, bad: pl.Series, what: str, location: object) -> None:
    """Different ids that became one number would silently be one user or item."""
    rows = bad.arg_true()
    if len(rows):
        raise InputError(
            f"{what} {column[rows[0]]} was rounded on its way through a floating-point number",
            location=f"{location}, row {rows[0] + 1}",
            hint="Read or write the column as text or as integers",
        )
