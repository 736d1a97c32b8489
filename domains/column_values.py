"""Tell from the values of a column what it could hold: ids, people, ratings, dates, times of day."""

from __future__ import annotations

import polars as pl

from domains.column_names import plain_name
from domains.errors import InputError
from domains.times import SENSIBLE, to_times

MANY = 100
"""In this many rows a user occurs twice; a column of distinct values holds ids of events."""
DATE_LIKE = r"^\s*\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b"
"""Text that begins like a date, in any order."""
DATE_ALONE = r"^\s*\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\s*$"
CLOCK = r"^\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[aApP]\.?[mM]\.?)?\s*$"
"""A time of day."""
DAY_PARTS = (("year", "month", "day"), ("jahr", "monat", "tag"), ("annee", "mois", "jour"))
"""Names of columns that hold a date together."""
FEW = 11
"""Distinct numbers from 0 to 10, at most: ratings."""
EMAIL = r"^\s*[^@\s]+@[^@\s]+\.\w+\s*$"
DECIMAL = r"^\s*-?\d+[.,]\d+\s*$"
"""Text that is a number with a fraction: a price, a rating."""


def single(column: pl.Series) -> pl.Series:
    """Return the values of lists, or the column itself."""
    return column.explode() if isinstance(column.dtype, pl.List) else column


def identifies(column: pl.Series) -> bool:
    """Whether the values could be ids: text or whole numbers."""
    return column.dtype == pl.String or column.dtype.is_integer()


def recurs(column: pl.Series) -> bool:
    """Whether the values could be users: no fractions, no dates, and in many rows some values twice."""
    if not identifies(column) or is_dated(column) or mostly(column, DECIMAL):
        return False
    return not rates(column) and (len(column) < MANY or column.n_unique() < len(column))


def rates(column: pl.Series) -> bool:
    """Whether the values could be ratings or counts: many rows with few different numbers from 0 to 10."""
    if len(column) < MANY or isinstance(column.dtype, pl.List) or column.n_unique() > FEW:
        return False
    return mostly(column.cast(pl.String), r"^\s*(?:\d|10)\s*$")


def mostly(column: pl.Series, pattern: str) -> bool:
    """Whether nearly all values match a pattern."""
    return column.dtype == pl.String and float(column.str.contains(pattern).mean() or 0) > 0.9  # type: ignore[arg-type]


def is_dated(column: pl.Series) -> bool:
    """Whether the values are plausible unix times or dates, also dates that `to_times` cannot read by itself."""
    if mostly(column, DATE_LIKE):
        return True
    try:
        times = to_times(column, kind="auto", unit="auto", location="")
    except InputError:
        return False
    if times.kind != "timestamp" or column.dtype.is_temporal():
        return times.kind == "timestamp"
    # Numbers of users can be unix times too, of years before most logs.
    is_number = column.cast(pl.Float64, strict=False).null_count() == column.null_count()
    return not is_number or float(str(times.values.median() or 0)) >= SENSIBLE[0]


def time_parts(table: pl.DataFrame, found: str | None) -> list[str]:
    """Return the columns of a date and its time of day, or of year, month and day; empty if one column holds all.

    Args:
        table: rows of interactions.
        found: the column of the time so far.
    """
    by_plain = {plain_name(name): name for name in reversed(table.columns)}
    if found is None:
        day = [[by_plain[part] for part in parts if part in by_plain] for parts in DAY_PARTS]
        return next((names for names in day if len(names) == 3), [])
    clocks = [name for name in table.columns if _is_clock(table[name])]
    dates = [name for name in table.columns if table[name].dtype == pl.Date or mostly(table[name], DATE_ALONE)]
    if found in clocks:
        return [dates[0], found] if dates else []
    return [found, clocks[0]] if found in dates and len(clocks) == 1 else []


def _is_clock(column: pl.Series) -> bool:
    return column.dtype == pl.Time or mostly(column, CLOCK)
