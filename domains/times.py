"""Read a column of times as unix seconds or as ranks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal, NamedTuple

import polars as pl

from domains.dates import parse, read_dates, read_digits
from domains.domain import TimeKind
from domains.errors import DataError, Problems
from domains.ids import FILL_IN, LARGEST_EXACT
from domains.raw_cells import AS_TEXT, SCIENTIFIC, TOO_NARROW, clean_text, counted, report_rows, rows_of, shortened
from domains.settings import TimeKindSetting, TimeUnit

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9, "ticks": 10**7, "filetime": 10**7, "webkit": 10**6}
"""Ticks per second of each unit."""
ORIGIN = {"ticks": 62_135_596_800, "filetime": 11_644_473_600, "webkit": 11_644_473_600}
"""Seconds from the zero of a unit to 1970; .NET counts from the year 1, Windows and browsers from 1601."""
UNIX = ("s", "ms", "us", "ns")
DAY = 86_400
EARLIEST_SECOND = 10**8
"""1973-03-03: smaller numbers are ranks or years, not the unix seconds of a recommender's log."""
LATEST_SECOND = 41 * 10**8
"""2099-12-03. A unit's plausible range is these two bounds times its ticks per second; the ranges do not overlap."""
SENSIBLE = (788_918_400, 2_524_608_000)
"""1995 to 2050, the range for other units; it overlaps with the unix units only in 1973 and 1990."""
EXCEL_ZERO = 25_569
"""1970-01-01 in spreadsheet days, which count from 1899-12-30."""
EXCEL_DAYS = (34_700, 54_789)
"""1995 to 2050 in spreadsheet days."""
DOT_NET = r"^\\?/Date\((-?\d+)(?:[+-]\d{4})?\)\\?/$"
"""Milliseconds, as .NET writes them in JSON: ``/Date(1614953229000)/``."""
FEW_UNREAD = 0.01
"""Share of times up to which those that cannot be read are missing; more of them are in a form that should be known."""
NO_TIME_AFTER = 4_070_908_800
"""2099-01-01: later dates, such as 9999-12-31, mark a missing date."""
NO_TIME_BEFORE = -2_208_988_800
"""1900-01-01: this and earlier dates mark a missing date."""
ZERO_DATE = r"^0{1,4}[-./]0{1,2}[-./]0{1,4}(?:[T ][0:.]+Z?)?$"
"""What MySQL writes for a missing date: 0000-00-00, or 0000-00-00 00:00:00."""


class Times(NamedTuple):
    """A column of times as numbers.

    Attributes:
        values: (N,) Int64, unix seconds or ranks; null where a row has no time.
        kind: which of the two.
        exact: (N,) Int64 in the order of the column, also within a second.
        notes: how unusual times were read, and how many could not be.
    """

    values: pl.Series
    kind: TimeKind
    exact: pl.Series
    notes: tuple[str, ...] = ()


def to_times(
    column: pl.Series,
    *,
    kind: TimeKindSetting,
    unit: TimeUnit,
    location: object,
    written: str | None = None,
    missing: Literal["error", "drop"] = "error",
    problems: Problems | None = None,
) -> Times:
    """Convert a column of times to unix seconds, or to ranks if it holds only an order.

    Dates and datetimes are timestamps; those without a zone are read as UTC. Numbers, also as text, are timestamps if
    their median is between 1973 and 2099 in the unit, or, with ``auto``, in one of s, ms, us and ns. Numbers that are
    all dates in digits (20240131, 202401312359), .NET ticks, Windows file times, browser times and spreadsheet days are
    timestamps too. All other numbers are an order.

    Args:
        column: (N,) integers, floats, text, dates or datetimes, in file order.
        kind: kind of the numbers; ``auto`` decides as above.
        unit: unit of numeric timestamps; ``auto`` decides as above.
        location: the file or the `Rows` in it, for messages.
        written: strftime format of times as text; detected by default.
        missing: whether a row without a time is an error, or null in the result.
        problems: collects wrong rows, which are null in the result. By default, errors are raised.

    Raises:
        InputError: a value is missing, not a time, negative, rounded, or in another unit than the rest.
    """
    reading = _Reading(location, Problems() if problems is None else problems, missing)
    times = reading.read(column, kind, unit, written)
    if problems is None:
        reading.problems.check()
    return times._replace(notes=(*times.notes, *_ahead(times)))


def _ahead(times: Times) -> list[str]:
    """Return a note if some times are later than today, anywhere on Earth."""
    today = datetime.now(UTC).date()
    ahead = times.values.filter(times.values >= (today - date(1970, 1, 1)).days * DAY + 2 * DAY)
    if times.kind == TimeKind.ORDER or not len(ahead):
        return []
    share, latest = 100 * len(ahead) / len(times.values), datetime.fromtimestamp(int(str(ahead.max())), UTC)
    return [
        f"Times ahead of today: {len(ahead):,} ({share:.3g} %), up to {latest:%Y-%m-%d}. To leave them out: keep: "
        f'"timestamp <= {today}".'
    ]


class _Reading:
    """Converts one column; wrong rows are added to `problems` and become null."""

    def __init__(self, location: object, problems: Problems, missing: str) -> None:
        self.location, self.problems, self.missing = location, problems, missing
        self.notes: list[str] = []
        self.wrong: pl.Series | None = None  # (N,) rows with a problem already, which are not reported as missing again

    def read(self, column: pl.Series, kind: TimeKindSetting, unit: TimeUnit, written: str | None) -> Times:
        if column.dtype == pl.Float32 and float(str(column.abs().max() or 0)) >= LARGEST_EXACT[pl.Float32]:
            rounded = column.abs() >= LARGEST_EXACT[pl.Float32]
            column = self._reject(column, rounded, "time that was rounded to 32 bits", AS_TEXT, "rounded")
        if written is not None and not column.dtype.is_temporal():
            column = column.cast(pl.String)
        if column.dtype == pl.String:
            column = self._from_text(column, written)
        elif column.dtype.is_numeric():
            column = column.cast(pl.Int64 if column.dtype.is_integer() else pl.Float64, strict=False)
        if column.dtype.is_float():
            column = column.fill_nan(None)
        if unit == "auto" and kind != "order" and column.dtype.is_numeric():
            dates = read_digits(column, self.location)
            if dates is not None:
                column, form = dates
                if form != "%Y%m%d":
                    self.notes.append(f"Times are read as dates in digits ({form}).")
        if column.dtype == pl.Null:
            column = column.cast(pl.Int64)
        if column.dtype in (pl.Date, pl.Datetime):
            return self._dates(column, kind)
        if not column.dtype.is_numeric():
            raise DataError(
                f"times of type {column.dtype}", location=self.location, hint="Give numbers or dates", code="time-type"
            )
        return self._numbers(column, kind, unit)

    def _dates(self, column: pl.Series, kind: TimeKindSetting) -> Times:
        exact = column.cast(pl.Datetime("us")).to_physical()
        seconds = exact // 10**6
        if kind == "order":
            self._require(column, seconds)
            return Times(seconds, TimeKind.ORDER, exact, tuple(self.notes))
        outside = ((seconds >= NO_TIME_AFTER) | (seconds <= NO_TIME_BEFORE)).fill_null(value=False)
        if outside.any() and outside.sum() == seconds.count():
            raise DataError(
                f"all {counted(int(outside.sum()), 'time')}, such as {column.filter(outside)[0]:%Y-%m-%d}, are outside "
                "1900 to 2099",
                location=self.location,
                hint="Write the years of another calendar as those of the Gregorian one (2565 of the Buddhist and 1401 "
                "of the Persian calendar are 2022), or map another column to the time",
                code="time-range",
            )
        seconds = _without(seconds, outside | (seconds == 0))
        self._require(column, seconds)
        early = (seconds < 0).fill_null(value=False)
        hint = "Map another column to the time if this one holds other dates, such as of birth, or remove the row"
        self._note(column, early, "time before 1970", hint, "time-negative")
        return Times(_without(seconds, early), TimeKind.TIMESTAMP, exact, tuple(self.notes))

    def _numbers(self, column: pl.Series, kind: TimeKindSetting, unit: TimeUnit) -> Times:
        found = _plausible_unit(column) if unit == "auto" else unit
        if kind == "order" or (kind == "auto" and unit == "auto" and found is None):
            self._require(column, column)
            if kind == "auto":
                self._check_spreadsheet_days(column)
            ranks = _as_order(self._not_negative(column))
            return Times(ranks, TimeKind.ORDER, ranks, tuple(self.notes))
        if found in UNIX and unit == "auto":
            column, found = self._in_one_unit(column, found)
        first = next(iter(column.drop_nulls()), None)
        if found is None:
            raise DataError(
                f"times such as {first} are not unix times in any unit",
                location=self.location,
                hint="Set prepare.time_unit to s, ms, us or ns, or prepare.time_kind to 'order'",
                code="time-unit",
            )
        # In many logs, 0 and -1 mark a missing time.
        times = _without(column, (column == 0) | (column == -1)) if found in UNIX and unit == "auto" else column
        self._require(column, times)
        if found == "excel":
            seconds = ((times - EXCEL_ZERO) * DAY).round().cast(pl.Int64)
        else:
            times = self._not_negative(times)
            limit = (LATEST_SECOND + ORIGIN.get(found, 0)) * PER_SECOND[found]
            hint = f"Bring all times to one unit (most are {found}), or set prepare.time_unit"
            times = self._reject(times, times > limit, f"not a time in {found}", hint, "time-unit")
            seconds = (times // PER_SECOND[found]).cast(pl.Int64) - ORIGIN.get(found, 0)
        exact = times.rank("dense").cast(pl.Int64) if times.dtype.is_float() else times
        if found not in UNIX and unit == "auto":
            self.notes.append(f"Times such as {first} are read in the unit {found!r}.")
        return Times(seconds, TimeKind.TIMESTAMP, exact, tuple(self.notes))

    def _in_one_unit(self, column: pl.Series, found: str) -> tuple[pl.Series, str]:
        """Bring unix times in several units to microseconds; the ranges of the units do not overlap."""
        inside = {
            unit: column.is_between(EARLIEST_SECOND * PER_SECOND[unit], LATEST_SECOND * PER_SECOND[unit])
            for unit in UNIX
        }
        counts = {unit: int(rows.sum()) for unit, rows in inside.items() if rows.any()}
        if set(counts) <= {found}:
            return column, found
        listed = ", ".join(f"{count:,} in {unit}" for unit, count in counts.items())
        self.notes.append(f"Times are in several units, and each is read: {listed}.")
        one = column * (10**6 / PER_SECOND[found])
        for unit in counts:
            one = (column * (10**6 / PER_SECOND[unit])).zip_with(inside[unit], one)
        return one.cast(pl.Int64), "us"

    def _from_text(self, column: pl.Series, written: str | None) -> pl.Series:
        """Read text as numbers or datetimes; the first value decides which."""
        text = clean_text(column)
        text = _without(text, text.str.contains(ZERO_DATE))
        present = text.drop_nulls()
        if present.is_empty():
            return text.cast(pl.Int64)
        if written is not None:
            return self._check_read(text, parse(text, written), f"a time written as {written!r}")
        text = self._reject(
            text, _rounded(text), "time that was rounded by a spreadsheet or program", AS_TEXT, "rounded"
        )
        present = text.drop_nulls()
        if present.is_empty():
            return text.cast(pl.Int64)
        if present.str.contains(r"^-?\d+,\d+$").all():
            text = text.str.replace(",", ".", literal=True)
        if present.str.contains("/Date(", literal=True).any():
            text = text.str.replace(DOT_NET, "$1")
        numbers = _as_numbers(text)
        if numbers.null_count() == text.null_count():
            return numbers
        dates = read_dates(text.set(numbers.is_not_null(), None), self.location)
        if dates is not None:
            values, forms = dates
            if numbers.count():
                unix = _unix_datetimes(numbers)
                values = values.zip_with(values.is_not_null(), unix)
                forms += ((str(text.filter(unix.is_not_null())[0]), unix.count()),) if unix.count() else ()
            if len(forms) > 1:
                listed = ", ".join(f"{count:,} like {example!r}" for example, count in forms)
                self.notes.append(f"Times are written in several forms, and each is read: {listed}.")
            return self._check_read(text, values, f"a date written like {forms[0][0]!r}")
        if numbers.count():
            return self._check_read(text, numbers, "a number, as other times of the column are")
        raise DataError(
            f"{shortened(text.drop_nulls()[0])} is neither a number nor a date that is known",
            location=rows_of(self.location).at(text.is_not_null().arg_true()[0]),
            hint="Write unix seconds or dates like 2024-01-31 23:59:59, set prepare.time_format, or map another column "
            "to the time",
            code="time-unread",
        )

    def _check_spreadsheet_days(self, column: pl.Series) -> None:
        present = column.drop_nulls()
        if len(present) and present.is_between(*EXCEL_DAYS).all():
            raise DataError(
                f"times such as {present[0]} look like days of a spreadsheet, but may be an order",
                location=self.location,
                hint="Set prepare.time_unit to 'excel', or prepare.time_kind to 'order'",
                code="time-unit",
            )

    def _check_read(self, text: pl.Series, read: pl.Series, wanted: str) -> pl.Series:
        wrong = read.is_null() & text.is_not_null()
        if self.missing == "drop" and 0 < wrong.sum() <= FEW_UNREAD * len(text):
            count = counted(int(wrong.sum()), "time")
            self.notes.append(
                f"{count} cannot be read, such as {shortened(text.filter(wrong)[0])}: counted as no time."
            )
            return read
        hint = "Correct the row, set prepare.time_format, or map another column to the time"
        self._note(text, wrong, f"not {wanted}", hint, "time-unread")
        return read

    def _require(self, column: pl.Series, times: pl.Series) -> None:
        """Add the rows without a time to `problems`."""
        if self.missing == "error":
            empty = times.is_null() if self.wrong is None else times.is_null() & ~self.wrong
            self._note(column, empty, "no time", FILL_IN, "missing")

    def _not_negative(self, column: pl.Series) -> pl.Series:
        hint = "Times count from 1970-01-01; remove the row, or shift a column of ranks to start at 0"
        return self._reject(column, column < 0, "negative time", hint, "time-negative")

    def _reject(self, column: pl.Series, bad: pl.Series, problem: str, hint: str, code: str) -> pl.Series:
        """Add the bad rows to `problems` and set them to null."""
        bad = bad.fill_null(value=False)
        self._note(column, bad, problem, hint, code)
        return _without(column, bad)

    def _note(self, column: pl.Series, bad: pl.Series, problem: str, hint: str, code: str) -> None:
        report_rows(self.problems, column, bad, problem, self.location, hint, code)
        self.wrong = bad if self.wrong is None else self.wrong | bad


def _without(column: pl.Series, bad: pl.Series) -> pl.Series:
    """Return the column with null in the bad rows."""
    bad = bad.fill_null(value=False)
    if not bad.any():
        return column
    return pl.Series([None], dtype=column.dtype).new_from_index(0, len(column)).zip_with(bad, column)


def _as_numbers(text: pl.Series) -> pl.Series:
    """Return (N,) Int64, or Float64 if some have fractions; null for other text."""
    for dtype in (pl.Int64, pl.Float64):
        numbers = text.cast(dtype, strict=False)
        if numbers.null_count() == text.null_count():
            break
    return numbers


def _unix_datetimes(numbers: pl.Series) -> pl.Series:
    """Return (N,) Datetime of the numbers among dates: unix times, or dates in digits; null if they are neither."""
    unit = _plausible_unit(numbers)
    if unit in UNIX:
        return ((numbers * (10**6 / PER_SECOND[unit])).cast(pl.Int64)).cast(pl.Datetime("us"))
    digits = read_digits(numbers, "")
    if digits is not None:
        return digits[0].cast(pl.Datetime("us"))
    return pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(numbers))


def _rounded(text: pl.Series) -> pl.Series:
    """Return (N,) bool: numbers in scientific notation that lost digits, and ``###``.

    1.585299421e9 is exact to the second. If one value of a column is, all are.
    """
    narrow = text.str.contains(TOO_NARROW)
    if not text.str.contains(r"^\d{1,3}(?:[.,]\d+)?[eE]\+?\d+$").any():
        return narrow
    written = text.str.extract_groups(r"^\d{1,3}(?:[.,](?P<digits>\d+))?[eE]\+?(?P<power>\d+)$").struct.unnest()
    fraction = written["digits"].str.len_chars().fill_null(0).cast(pl.Int64)
    power = written["power"].cast(pl.Int64, strict=False)
    if (fraction >= power).any():
        return narrow
    return narrow | power.is_not_null() | text.str.contains(SCIENTIFIC)


def _plausible_unit(column: pl.Series) -> str | None:
    """Return the unit in which the median is between 1973 and 2099 (unix units) or 1995 and 2050 (others)."""
    median = column.median()
    if median is None:
        return None
    middle = float(median)  # type: ignore[arg-type]
    for unit, origin in ORIGIN.items():
        if (SENSIBLE[0] + origin) * PER_SECOND[unit] <= middle <= (SENSIBLE[1] + origin) * PER_SECOND[unit]:
            return unit
    for unit in UNIX:
        if EARLIEST_SECOND * PER_SECOND[unit] <= middle <= LATEST_SECOND * PER_SECOND[unit]:
            return unit
    if column.dtype.is_float() and column.drop_nulls().is_between(*EXCEL_DAYS).all():
        return "excel" if (column != column.floor()).any() else None
    return None


def _as_order(column: pl.Series) -> pl.Series:
    """Convert to integers in the same order. Fractions and huge numbers become dense ranks, so that none are merged."""
    exact = column.is_between(0, LARGEST_EXACT[pl.Float64]) & (column == column.floor())
    if column.dtype.is_float() and not exact.fill_null(value=True).all():
        return column.rank("dense").cast(pl.Int64) - 1
    return column.cast(pl.Int64)
