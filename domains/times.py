"""What a column of times means: its unit, its kind, and unix seconds or ranks out of it."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from domains.dates import parse, read_dates, read_day_numbers
from domains.domain import TimeKind
from domains.errors import InputError
from domains.settings import TimeKindSetting, TimeUnit

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
EARLIEST_SECOND = 10**8
"""1973-03-03: smaller numbers are ranks or years, not the unix seconds of a recommender's log."""
LATEST_SECOND = 41 * 10**8
"""2099-12-03. A unit's plausible range is these two bounds times its ticks per second; the ranges do not overlap."""
LARGEST_EXACT = 2**53
"""Larger floats are not all whole numbers of their own."""


class Times(NamedTuple):
    """A column of times, understood.

    Attributes:
        values: (N,) Int64, unix seconds or ranks.
        kind: which of the two.
        exact: (N,) Int64, sorts as the column did, also within a second.
    """

    values: pl.Series
    kind: TimeKind
    exact: pl.Series


def to_times(
    column: pl.Series, *, kind: TimeKindSetting, unit: TimeUnit, location: object, written: str | None = None
) -> Times:
    """Turn a column of times into unix seconds, or into ranks where it holds only an order.

    Dates and datetimes are timestamps; zone-less ones are read as UTC. Numbers (also numbers written as text) are
    timestamps when their median is plausible as unix time in the unit, or, with ``auto``, in one of s, ms, us and
    ns: between 1973 and 2099. Numbers that are all days like 20240131 are dates. All other numbers are an order.

    Args:
        column: (N,) integers, floats, text, dates or datetimes, in file order.
        kind: what the numbers are; ``auto`` decides as above.
        unit: of numeric timestamps; ``auto`` decides as above.
        location: where the column comes from, for messages.
        written: format of times written as text, in strftime's codes; found among those that are known by default.

    Raises:
        InputError: a value is missing, is no time, is negative, or is of another unit than the rest.
    """
    if written is not None and not column.dtype.is_temporal():
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        column = _from_text(column, written, location)
    elif column.dtype.is_numeric():
        column = column.cast(pl.Int64 if column.dtype.is_integer() else pl.Float64, strict=False)
    if unit == "auto" and kind != "order":
        days = read_day_numbers(column)
        column = column if days is None else days
    _refuse_rows(column, column.is_null(), "no time", location, "Fill it in, or remove the row")
    if column.dtype in (pl.Date, pl.Datetime):
        exact = column.cast(pl.Datetime("us")).to_physical()
        seconds = exact // PER_SECOND["us"]
        if kind == "order":
            return Times(seconds, TimeKind.ORDER, exact)
        _refuse_negative(seconds, location)
        return Times(seconds, TimeKind.TIMESTAMP, exact)
    if not column.dtype.is_numeric():
        raise InputError(f"times of type {column.dtype}", location=location, hint="Give numbers or dates")
    if column.dtype.is_float():
        _refuse_rows(column, ~column.is_finite(), "no time", location, "Fill it in, or remove the row")
    _refuse_negative(column, location)
    found = _plausible_unit(column) if unit == "auto" else unit
    if kind == "order" or (kind == "auto" and unit == "auto" and found is None):
        ranks = _as_order(column)
        return Times(ranks, TimeKind.ORDER, ranks)
    if found is None:
        raise InputError(
            f"times such as {column[0]} are unix times in no unit",
            location=location,
            hint="Set time_unit to s, ms, us or ns, or time_kind to 'order'",
        )
    _refuse_mixed_units(column, found, location)
    seconds = (column // PER_SECOND[found]).cast(pl.Int64)
    exact = column.rank("dense").cast(pl.Int64) if column.dtype.is_float() else column
    return Times(seconds, TimeKind.TIMESTAMP, exact)


def _from_text(column: pl.Series, written: str | None, location: object) -> pl.Series:
    """Numbers or datetimes out of text; the first value that is there decides which."""
    text = column.str.strip_chars()
    text = text.set(text == "", None)
    present = text.drop_nulls()
    if present.is_empty():
        return text
    if written is not None:
        times = parse(text, written)
        _refuse_unread(text, times, f"a time written as {written!r}", location)
        return times
    sample = present.head(1)
    for dtype in (pl.Int64, pl.Float64):
        if sample.cast(dtype, strict=False)[0] is not None:
            numbers = text.cast(dtype, strict=False)
            if dtype == pl.Int64 and (numbers.is_null() & text.is_not_null()).any():
                continue
            _refuse_unread(text, numbers, "a number, as the first time of the column is", location)
            return numbers
    dates = read_dates(text, location)
    if dates is not None:
        _refuse_unread(text, dates, f"a date written like {sample[0]!r}", location)
        return dates
    row = text.is_not_null().arg_true()[0] + 1
    raise InputError(
        f"{_short(sample[0])} is neither a number nor a date that is known",
        location=f"{location}, row {row}",
        hint="Write unix seconds or dates like 2024-01-31 23:59:59, set time_format, or map another column to the time",
    )


def _plausible_unit(column: pl.Series) -> str | None:
    """The unit in which the median is a time between 1973 and 2099."""
    median = column.median()
    for unit, ticks in PER_SECOND.items():
        if median is not None and EARLIEST_SECOND * ticks <= float(median) <= LATEST_SECOND * ticks:  # type: ignore[arg-type]
            return unit
    return None


def _as_order(column: pl.Series) -> pl.Series:
    """Integers that sort as the column does; fractions and huge numbers become dense ranks, so that none are merged."""
    if column.dtype.is_float() and not (column.is_between(0, LARGEST_EXACT) & (column == column.floor())).all():
        return column.rank("dense").cast(pl.Int64) - 1
    return column.cast(pl.Int64)


def _refuse_negative(column: pl.Series, location: object) -> None:
    hint = "Times count from 1970-01-01; remove the row, or shift a column of ranks to start at 0"
    _refuse_rows(column, column < 0, "negative time", location, hint)


def _refuse_mixed_units(column: pl.Series, unit: str, location: object) -> None:
    hint = f"Bring all times to one unit (most are {unit}), or set time_unit"
    _refuse_rows(column, column > LATEST_SECOND * PER_SECOND[unit], f"not a time in {unit}", location, hint)


def _refuse_unread(text: pl.Series, read: pl.Series, wanted: str, location: object) -> None:
    hint = "Correct the row, set time_format, or map another column to the time"
    _refuse_rows(text, read.is_null() & text.is_not_null(), f"not {wanted}", location, hint)


def _refuse_rows(column: pl.Series, bad: pl.Series, problem: str, location: object, hint: str) -> None:
    """Name the first bad row, counted from 1 in file order, and how many there are."""
    rows = bad.arg_true()
    if rows.is_empty():
        return
    value = column[rows[0]]
    shown = "" if value is None else f": {_short(value)}"
    raise InputError(f"{problem}{shown} ({len(rows)} such rows)", location=f"{location}, row {rows[0] + 1}", hint=hint)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
