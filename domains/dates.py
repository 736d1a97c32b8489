"""Read dates and times written as text or as digits, in the usual forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from domains.date_words import in_english
from domains.errors import DataError, InputError
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
MOST_FORMS = 6
"""Forms of dates that one column may mix."""
DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y %m %d",
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
WHOLE = ("%a %b %e %H:%M:%S %z %Y", "%a %b %e %H:%M:%S %Y", "%Y%m%dT%H%M%S%z", "%Y%m%dT%H%M%S", "%Y-%m")
"""Forms in which the time of day is not at the end, or that have none."""
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
PARTS = ("day", "month", "year")
FEW_YEARS, MANY_YEARS = 3, 25
"""Where one reading of two-digit years gives so few and another one so many, the latter took the days for years."""
CENTURIES = (1900, 2101)
MANY = 20
"""This many different numbers of six digits are all dates by chance only once in 10^28."""


class Dates(NamedTuple):
    """A column of text as datetimes.

    Attributes:
        values: (N,) Datetime in UTC; null for text that is no date.
        forms: an example of each form in the column, and how many values have it; the commonest first.
    """

    values: pl.Series
    forms: tuple[tuple[str, int], ...]


def read_dates(text: pl.Series, location: object) -> Dates | None:
    """Read dates, each in its own form if the column mixes several; None if no known form reads any.

    What no form reads is read again `in_english`.

    Args:
        text: (N,) String.
        location: where the column comes from, for messages.

    Raises:
        InputError: day and month could be either way round.
    """
    values: pl.Series | None = None
    forms: list[tuple[str, int]] = []
    order, words = "", False
    left = text
    while len(forms) < MOST_FORMS and left.null_count() < len(left):
        form = _commonest_form(left, order, location)
        if form is None and words:
            break
        if form is None:
            left, words = in_english(left), True
            continue
        order = order or _order_of(form)
        read = compile_format(form).read(left) if form in WHOLE else _read(left, form)
        there = read.is_not_null()
        forms.append((str(text.filter(there)[0]), int(there.sum())))
        values = read if values is None else values.zip_with(values.is_not_null(), read)
        left = left.set(there, None)
    return None if values is None else Dates(values, tuple(forms))


def _commonest_form(text: pl.Series, order: str, location: object) -> str | None:
    """Return the form that reads most of the values; None if none reads any.

    Args:
        text: (N,) String.
        order: of day, month and year in ambiguous forms that were read already; ``""`` if there were none.
        location: for messages.
    """
    sample = text.drop_nulls().head(SAMPLE)
    best, most = None, 0
    for form in (*WHOLE, *DATES):
        read = compile_format(form).read(sample) if form in WHOLE else _read(sample, form)
        if read.count() > most:
            best, most = form, read.count()
        if most == len(sample):
            return best
    for forms in EITHER:
        found = {form: _read(sample, form).count() for form in forms if order in ("", _order_of(form))}
        if max(found.values(), default=0) <= most:
            continue
        most = max(found.values())
        fitting = [form for form in found if found[form] == most]
        if len(fitting) > 1:
            fitting = _fitting(text, fitting, location)
        if len(fitting) > 1:
            raise _ambiguous(sample, fitting, location)
        best = fitting[0]
    return best


def _order_of(form: str) -> str:
    """Return the order of day, month and year in an ambiguous form, such as ``dmy``; ``""`` for the others."""
    return "".join(re.findall("[dmy]", form.lower())) if any(form in forms for forms in EITHER) else ""


def _fitting(text: pl.Series, forms: Sequence[str], location: object) -> list[str]:
    """Return the ambiguous forms that fit a whole column; the years of a log vary less than its days.

    Raises:
        InputError: as many values have the day first as have the month first.
    """
    read = {form: _read(text, form) for form in forms}
    unread = {form: dates.null_count() for form, dates in read.items()}
    left = [form for form in forms if unread[form] == min(unread.values())]
    if len(left) < 2:
        return left
    one, other = (text.filter(read[left[at]].is_not_null() & read[left[1 - at]].is_null()) for at in (0, 1))
    if len(one) and len(other):
        first, second = (next(part for part in PARTS if part[0] == _order_of(form)[0]) for form in left[:2])
        raise DataError(
            f"some dates have the {first} first, such as {one[0]!r}, others the {second}, such as {other[0]!r}",
            location=location,
            hint="Write all in the same order, best as in 2024-01-31, or map another column to the time",
            code="time-ambiguous",
        )
    years = {form: read[form].dt.year().n_unique() for form in left}
    return [form for form in left if years[form] < MANY_YEARS] if min(years.values()) <= FEW_YEARS else left


def _ambiguous(sample: pl.Series, forms: Sequence[str], location: object) -> InputError:
    """Return the error for values that several of the forms read."""
    shown = sample.filter(_read(sample, forms[0]).is_not_null())[0]
    clock = " %H:%M:%S" if shown.count(":") > 1 else " %H:%M" if ":" in shown else ""
    firsts = {_order_of(form)[0] for form in forms}
    parts = [f"the {part}" for part in PARTS if part[0] in firsts]
    return DataError(
        f"{shown!r} may have {', '.join(parts[:-1])} or {parts[-1]} first, and no other value shows which",
        location=location,
        hint="Set prepare.time_format, or --time-format of init, to "
        + " or ".join(repr(form + clock) for form in forms),
        code="time-ambiguous",
    )


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
                hint=f"Set prepare.time_format, or --time-format of init, to {' or '.join(map(repr, fitting))}; or set "
                "prepare.time_kind to 'order'",
                code="time-digits",
            )


def _all_days(dates: pl.Series) -> bool:
    return not dates.null_count() and bool(dates.dt.year().is_between(1970, 2100).all())
