"""Times written as text: the formats that are known, and how a column of them is read."""

from __future__ import annotations

import polars as pl

from domains.errors import InputError

KNOWN = (
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f UTC",
    "%Y-%m-%dT%H:%MZ",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%a %b %d %H:%M:%S %z %Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%d-%B-%Y",
)
"""Formats that mean one thing, most specific first; the first value decides for the column. %B also reads `Jul`."""

EITHER = (
    ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"),
    ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"),
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
)
"""Formats of which only the other values can tell whether day or month comes first."""

CLOCK = ("%H", "%I", "%k", "%l", "%s", "%T", "%R", "%r", "%X", "%c", "%+")
"""Codes that tell an hour; a pattern without any is of days alone."""


def read_dates(text: pl.Series, location: object) -> pl.Series | None:
    """Datetimes in UTC, read as the first value is written; None where that is no known format.

    Args:
        text: (N,) String; the first value that is not null decides.
        location: where the column comes from, for messages.

    Raises:
        InputError: day and month could be either way round.
    """
    sample = text.drop_nulls().head(1)
    for pattern in KNOWN:
        if parse(sample, pattern)[0] is not None:
            return parse(text, pattern)
    for patterns in EITHER:
        read = {pattern: parse(text, pattern) for pattern in patterns}
        unread = {pattern: dates.null_count() for pattern, dates in read.items()}
        if min(unread.values()) == len(text):
            continue
        if len(set(unread.values())) == 1:
            raise InputError(
                f"{sample[0]!r} may have the day or the month first, and no other value tells", location=location,
                hint=f"Set time_format to '{patterns[0]}' or '{patterns[1]}'",
            )  # fmt: skip
        return read[min(unread, key=unread.__getitem__)]
    return None


def parse(text: pl.Series, pattern: str) -> pl.Series:
    """Datetimes in UTC; null where the pattern does not fit.

    Raises:
        InputError: it is no pattern.
    """
    try:
        if not any(code in pattern for code in CLOCK):
            return text.str.to_date(pattern, strict=False).cast(pl.Datetime("us"))
        parsed = text.str.to_datetime(pattern, strict=False, time_unit="us")
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{pattern!r} is no format of times", location="time_format", hint="Write it like '%d.%m.%Y %H:%M'"
        ) from error
    return parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if "%z" in pattern else parsed


def read_day_numbers(numbers: pl.Series) -> pl.Series | None:
    """Datetimes where all numbers are days written like 20240131; None where one is not."""
    if not numbers.dtype.is_integer() or not numbers.is_between(1900_01_01, 2100_12_31).all():
        return None
    days = parse(numbers.cast(pl.String), "%Y%m%d")
    return None if days.null_count() else days
