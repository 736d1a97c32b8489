"""Read times written as text or as digits, in all usual forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from domains.errors import DataError
from domains.time_format import compile_format

FAST = re.compile(r"%[YmdByF](?:[^%\w]+(?:T)?%[YmdHMSyBbFT]|T%[HT]|%\.f|Z| UTC|%z$)*")
"""Formats that polars reads as we do, and ten times faster than a regular expression."""
FAST_CLOCKS = (
    " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S UTC", "T%H:%M:%SZ", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %H:%M:%S%.f UTC",
    "T%H:%M:%S%.fZ", " %H:%M:%S%.f%z", "T%H:%M:%S%.f%z", " %H:%M", "",
)  # fmt: skip
SAMPLE = 10_000
"""Rows that are looked at before a whole column is read in several ways."""
DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%B %d, %Y", "%B %d %Y", "%d %B %Y", "%d %B, %Y",
    "%d-%B-%Y", "%d/%B/%Y", "%d-%B-%y",
)  # fmt: skip
"""Forms of a date that mean one thing; a time of day may follow. %B also reads `Jul`."""
WHOLE = ("%a %b %e %H:%M:%S %z %Y", "%a %b %e %H:%M:%S %Y", "%Y%m%dT%H%M%S%z", "%Y%m%dT%H%M%S")
"""Forms in which the time of day stands elsewhere."""
EITHER = (
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    ("%d.%m.%y", "%y.%m.%d"),
)
"""Forms of which only the other values can tell which number is the day."""
DIGITS = (
    (4, "%Y%m"),
    (6, "%Y%m%d"),
    (8, "%Y%m%d%H"),
    (10, "%Y%m%d%H%M"),
    (12, "%Y%m%d%H%M%S"),
    (15, "%Y%m%d%H%M%S%3f"),
)
"""How many digits follow the first two of a year, and the date that these digits may write."""
OTHER_ORDERS = {
    8: ("%d%m%Y", "%m%d%Y"), 6: ("%y%m%d", "%d%m%y", "%m%d%y"),
    10: ("%y%m%d%H%M", "%d%m%y%H%M", "%m%d%y%H%M", "%d%m%Y%H", "%m%d%Y%H"),
    12: ("%y%m%d%H%M%S", "%d%m%Y%H%M", "%m%d%Y%H%M"), 14: ("%d%m%Y%H%M%S", "%m%d%Y%H%M%S"),
}  # fmt: skip
"""How many digits, and the dates that they may write when the year is short or stands last."""
CENTURIES = (1900, 2101)
MANY = 20
"""So many different numbers of six digits are dates by chance only once in 10^28."""


def read_dates(text: pl.Series, location: object) -> pl.Series | None:
    """Datetimes in UTC, read as the first value is written; None if that is no known form.

    Args:
        text: (N,) String; the first value that is not null decides.
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
                f"{sample[0]!r} may have the day or the month first, and no other value tells", location=location,
                hint=f"Set time_format to {' or '.join(repr(pattern + clock) for pattern in best)}",
                code="time-ambiguous",
            )  # fmt: skip
        return _read(text, best[0])
    return None


def _fewest_unread(text: pl.Series, patterns: Sequence[str]) -> list[str]:
    unread = {pattern: _read(text, pattern).null_count() for pattern in patterns}
    return [pattern for pattern in patterns if unread[pattern] == min(unread.values())]


def _read(text: pl.Series, pattern: str) -> pl.Series:
    """Datetimes by the pattern of a day, behind which a time of day may stand."""
    for clock in FAST_CLOCKS:
        dates = _read_fast(text, pattern + clock)
        if dates is not None:
            return dates
    return compile_format(pattern, clock=True).read(text)


def _read_fast(text: pl.Series, written: str) -> pl.Series | None:
    """Datetimes by polars' own reader; None if it does not read every value."""
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
    """Datetimes in UTC by a strftime format; null where it does not fit.

    Raises:
        InputError: it is no format.
    """
    compiled = compile_format(written)
    dates = _read_fast(text, written)
    return compiled.read(text) if dates is None else dates


def read_digits(numbers: pl.Series, location: object) -> tuple[pl.Series, str] | None:
    """Datetimes if all numbers write a date in digits, such as 20240131 or 202401312359, and the format they follow.

    Args:
        numbers: (N,) numbers; whole floats count as integers.
        location: where the column comes from, for messages.

    Raises:
        InputError: they write dates in an order that only a person can tell, such as 31012024.
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
    """Refuse numbers that write a date throughout, but do not begin with a year of four digits."""
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
