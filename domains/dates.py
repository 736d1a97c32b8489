"""Read dates and times written as text or as digits, in the usual forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from domains.errors import DataError
from domains.time_format import compile_format

FAST = re.compile(r"%[YmdByF](?:[^%\w]+(?:T)?%[YmdHMSyBbFT]|T%[HT]|%\.f|Z| UTC|%z$)*")
"""Formats that polars reads in the same way, ten times faster than a regular expression."""
FAST_CLOCKS = (
    " %H:%M:%S",
    "T%H:%M:%S",
    " %H:%M:%S UTC",
    "T%H:%M:%SZ",
    " %H:%M:%S%.f",
    "T%H:%M:%S%.f",
    " %H:%M:%S%.f UTC",
    "T%H:%M:%S%.fZ",
    " %H:%M:%S%.f%z",
    "T%H:%M:%S%.f%z",
    " %H:%M",
    "",
)
SAMPLE = 10_000
"""Rows to try before a whole column is read in several ways."""
DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%d %B %Y",
    "%d %B, %Y",
    "%d-%B-%Y",
    "%d/%B/%Y",
    "%d-%B-%y",
)
"""Unambiguous forms of a date; a time of day may follow. %B also reads `Jul`."""
WHOLE = ("%a %b %e %H:%M:%S %z %Y", "%a %b %e %H:%M:%S %Y", "%Y%m%dT%H%M%S%z", "%Y%m%dT%H%M%S")
"""Forms in which the time of day is not at the end."""
EITHER = (
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    ("%d.%m.%y", "%y.%m.%d"),
)
"""Ambiguous forms: only the other values show which number is the day."""
DIGITS = (
    (4, "%Y%m"),
    (6, "%Y%m%d"),
    (8, "%Y%m%d%H"),
    (10, "%Y%m%d%H%M"),
    (12, "%Y%m%d%H%M%S"),
    (15, "%Y%m%d%H%M%S%3f"),
)
"""Number of digits after the first two of a year, and the format of such numbers."""
OTHER_ORDERS = {
    8: ("%d%m%Y", "%m%d%Y"),
    6: ("%y%m%d", "%d%m%y", "%m%d%y"),
    10: ("%y%m%d%H%M", "%d%m%y%H%M", "%m%d%y%H%M", "%d%m%Y%H", "%m%d%Y%H"),
    12: ("%y%m%d%H%M%S", "%d%m%Y%H%M", "%m%d%Y%H%M"),
    14: ("%d%m%Y%H%M%S", "%m%d%Y%H%M%S"),
}
"""Number of digits, and the formats if the year has two digits or comes last."""
CENTURIES = (1900, 2101)
MANY = 20
"""This many different numbers of six digits are all dates by chance only once in 10^28."""


def read_dates(text: pl.Series, location: object) -> pl.Series | None:
    """Read datetimes in UTC in the form of the first value; None if that form is unknown.

    Args:
        text: (N,) String; the first value that is not null decides the form.
        location: where the column comes from, for messages.

    Raises:
        InputError: day and month could be either way round.
    """
    present = text.drop_nulls().head(SAMPLE)
    sample = present.head(1)
    for pattern in WHOLE:
        if compile_format(pattern).read(sample)[0] is not None:
            return compile_format(pattern).read(text)
    for pattern in DATES:
        if _read(sample, pattern)[0] is not None:
            return _read(text, pattern)
    for patterns in EITHER:
        if min(_read(sample, pattern).null_count() for pattern in patterns):
            continue
        best = _fewest_unread(present, patterns)
        if len(best) > 1:
            best = _fewest_unread(text, best)
        if len(best) > 1:
            clock = " %H:%M" if ":" in sample[0] else ""
            raise DataError(
                f"{sample[0]!r} may have the day or the month first, and no other value shows which",
                location=location,
                hint=f"Set time_format to {' or '.join(repr(pattern + clock) for pattern in best)}",
                code="time-ambiguous",
            )
        return _read(text, best[0])
    return None


def _fewest_unread(text: pl.Series, patterns: Sequence[str]) -> list[str]:
    unread = {pattern: _read(text, pattern).null_count() for pattern in patterns}
    return [pattern for pattern in patterns if unread[pattern] == min(unread.values())]


def _read(text: pl.Series, pattern: str) -> pl.Series:
    """Read datetimes by the format of a date; a time of day may follow."""
    for clock in FAST_CLOCKS:
        dates = _read_fast(text, pattern + clock)
        if dates is not None:
            return dates
    return compile_format(pattern, clock=True).read(text)


def _read_fast(text: pl.Series, written: str) -> pl.Series | None:
    """Read datetimes with polars' own reader; None if it cannot read every value."""
    if not FAST.fullmatch(written):
        return None
    clock = "%H" in written
    if clock != ("%M" in written):
        return None
    for rows in (text.drop_nulls().head(1), text):
        if clock or "%T" in written:
            dates = rows.str.to_datetime(written, strict=False, time_unit="us")
            if "%z" in written:
                dates = dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        else:
            dates = rows.str.to_date(written, strict=False).cast(pl.Datetime("us"))
        if dates.null_count() > rows.null_count():
            return None
    if dates.len() > dates.null_count() and int(str(dates.dt.year().min())) < 1000:
        return None  # polars takes `20` for the year 20
    return dates


def parse(text: pl.Series, written: str) -> pl.Series:
    """Read datetimes in UTC by a strftime format; null for values that do not match.

    Raises:
        InputError: the format is not valid.
    """
    compiled = compile_format(written)
    dates = _read_fast(text, written)
    return compiled.read(text) if dates is None else dates


def read_digits(numbers: pl.Series, location: object) -> tuple[pl.Series, str] | None:
    """Read numbers that are all dates in digits, such as 20240131 or 202401312359; also return their format.

    Args:
        numbers: (N,) numbers; whole floats count as integers.
        location: where the column comes from, for messages.

    Raises:
        InputError: they are dates in an ambiguous order, such as 31012024.
    """
    present = numbers.drop_nulls()
    if present.dtype.is_float():
        if not (present.is_finite() & (present == present.floor()) & (present.abs() < 2**53)).all():
            return None
        numbers, present = numbers.cast(pl.Int64), present.cast(pl.Int64)
    if present.is_empty() or not present.dtype.is_integer():
        return None
    low, high = int(str(present.min())), int(str(present.max()))
    for digits, written in DIGITS:
        scale = 10 ** (digits - 2)
        if CENTURIES[0] * scale <= low and high < CENTURIES[1] * scale:
            dates = parse(numbers.cast(pl.String), written)
            if dates.null_count() == numbers.null_count():
                return dates, written
    _check_other_orders(present, location)
    return None


def _check_other_orders(present: pl.Series, location: object) -> None:
    """Raise if all numbers are dates that do not begin with a year of four digits."""
    for length, orders in OTHER_ORDERS.items():
        largest = int(str(present.max()))
        if not 10 ** (length - 2) <= largest < 10**length:  # the day or month may begin with a zero
            continue
        fitting = list(orders)
        for numbers in (present.head(SAMPLE // 100), present.unique()):
            text = numbers.cast(pl.String).str.zfill(length)
            fitting = [order for order in fitting if _all_days(parse(text, order))]
            if not fitting:
                break
        if fitting and (length == 8 or present.n_unique() >= (MANY if length == 6 else 3)):
            raise DataError(
                f"{present[0]} looks like a date written as {fitting[0]}",
                location=location,
                hint=f"Set time_format to {' or '.join(repr(order) for order in fitting)}, or time_kind to 'order'",
                code="time-digits",
            )


def _all_days(dates: pl.Series) -> bool:
    return not dates.null_count() and bool(dates.dt.year().is_between(1970, 2100).all())
