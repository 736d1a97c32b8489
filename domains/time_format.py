"""Read times by a strftime format, compiled to one regular expression and one polars expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from domains.errors import SettingsError

LOCATION = "prepare.time_format"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_OFFSET = r"z|utc|gmt|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?"
_HALF = r"[ap]\.?m\.?"

CODES: dict[str, tuple[str, str]] = {
    "Y": ("Y", r"\d{4}"),
    "C": ("C", r"\d{2}"),
    "y": ("y", r"\d{2}"),
    "G": ("G", r"\d{4}"),
    "g": ("g", r"\d{2}"),
    "m": ("m", r"\d{1,2}"),
    "b": ("b", rf"(?:{_MONTH})\.?"),
    "B": ("b", rf"(?:{_MONTH})\.?"),
    "d": ("d", r"\d{1,2}"),
    "e": ("d", r"\s*\d{1,2}"),
    "j": ("j", r"\d{1,3}"),
    "H": ("H", r"\d{1,2}"),
    "k": ("H", r"\s*\d{1,2}"),
    "I": ("I", r"\d{1,2}"),
    "l": ("I", r"\s*\d{1,2}"),
    "M": ("M", r"\d{1,2}"),
    "S": ("S", r"\d{1,2}"),
    "f": ("f", r"\d{1,9}"),
    "N": ("f", r"\d{1,9}"),
    "L": ("f", r"\d{1,3}"),
    "p": ("p", _HALF),
    "P": ("p", _HALF),
    "z": ("z", _OFFSET),
    "Z": ("z", _OFFSET),
    "s": ("s", r"\d{1,12}"),
    "u": ("u", "[1-7]"),
    "w": ("w", "[0-6]"),
    "a": ("a", _WEEKDAY),
    "A": ("a", _WEEKDAY),
    "U": ("U", r"\d{1,2}"),
    "W": ("W", r"\d{1,2}"),
    "V": ("V", r"\d{1,2}"),
}
"""Directive -> name of its group, and its regular expression."""
COMBINED = {
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "h": "%b",
    "v": "%e-%b-%Y",
    "c": "%a %b %e %H:%M:%S %Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
    "+": "%a %b %e %H:%M:%S %Z %Y",
    "n": "\n",
    "t": "\t",
}
"""Directives that combine others; those that depend on the language are read as English."""
DIRECTIVE = re.compile(r"%(?P<flags>[-_0^#:.]*)(?P<width>\d*)[EO]?(?P<code>.?)", re.DOTALL)
CLOCK = (
    r"(?:(?:t|:|,?\s+(?:at\s+)?)(?P<H>\d{1,2})(?::(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?"
    rf"(?:\s*(?P<p>{_HALF}))?(?:\s*(?P<z>{_OFFSET}))?)?"
)
"""An optional time of day after a date, with or without minutes, seconds and zone."""
LETTERS = {
    "yyyy": "%Y",
    "YYYY": "%Y",
    "yy": "%y",
    "MMM": "%b",
    "MM": "%m",
    "dd": "%d",
    "DD": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
    "a": "%p",
}
"""Patterns of Java and spreadsheets, to suggest the equivalent directive."""


@dataclass(frozen=True)
class TimeFormat:
    """A compiled format.

    Attributes:
        pattern: regular expression with one named group for each part of a time.
        parts: the names of its groups.
    """

    pattern: str
    parts: frozenset[str]

    def read(self, text: pl.Series) -> pl.Series:
        """Read (N,) Datetime("us") in UTC; null if the text does not match or is not a real time.

        Args:
            text: (N,) String.
        """
        found = text.str.extract_groups(self.pattern).struct.unnest()
        return found.select(self._micros().cast(pl.Datetime("us")).alias(text.name)).to_series()

    def _micros(self) -> pl.Expr:
        seconds = self._number("s") if "s" in self.parts else self._days() * 86_400 + self._second_of_day()
        if "z" in self.parts:
            seconds = seconds - _offset_seconds()
        micros = pl.lit(0)
        if "f" in self.parts:
            micros = pl.col("f").fill_null("").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False)
        return seconds * 1_000_000 + micros

    def _number(self, part: str) -> pl.Expr:
        return pl.col(part).str.strip_chars().cast(pl.Int64, strict=False)

    def _days(self) -> pl.Expr:
        """Days since 1970-01-01."""
        if "V" in self.parts:
            monday = _epoch_day(self._year(), pl.lit(1), pl.lit(4))
            monday = monday - _weekday_of(monday)
            return _where(self._number("V").is_between(1, 53), monday + 7 * (self._number("V") - 1) + self._weekday())
        year = self._year()
        new_year = _epoch_day(year, pl.lit(1), pl.lit(1))
        if "j" in self.parts:
            last = pl.when(_leap(year)).then(366).otherwise(365)
            return _where(self._number("j").is_between(1, last), new_year + self._number("j") - 1)
        for week, first in (("U", 6), ("W", 0)):  # weeks begin on Sunday or on Monday
            if week in self.parts:
                start = (first - _weekday_of(new_year)) % 7
                day = (self._weekday() - first) % 7
                return new_year + start + 7 * (self._number(week) - 1) + day
        month = self._number("m") if "m" in self.parts else pl.lit(1)
        if "b" in self.parts:
            name = pl.col("b").str.slice(0, 3).str.to_lowercase()
            month = name.replace_strict(list(MONTHS), list(range(1, 13)), default=None, return_dtype=pl.Int64)
        return _epoch_day(year, month, self._number("d") if "d" in self.parts else pl.lit(1))

    def _year(self) -> pl.Expr:
        for full in ("Y", "G"):
            if full in self.parts:
                return self._number(full)
        short = self._number("y" if "y" in self.parts else "g")
        if "C" in self.parts:
            return 100 * self._number("C") + short
        return short + pl.when(short < 69).then(2000).otherwise(1900)

    def _weekday(self) -> pl.Expr:
        """0 for Monday to 6 for Sunday."""
        if "u" in self.parts:
            return self._number("u") - 1
        if "w" in self.parts:
            return (self._number("w") + 6) % 7
        name = pl.col("a").str.slice(0, 3).str.to_lowercase()
        return name.replace_strict(list(WEEKDAYS), list(range(7)), default=None, return_dtype=pl.Int64)

    def _second_of_day(self) -> pl.Expr:
        hour = pl.lit(0)
        for code in ("H", "I"):
            if code in self.parts:
                hour = self._number(code).fill_null(0)
        if "p" in self.parts:
            late = pl.col("p").str.to_lowercase().str.starts_with("p")
            half = pl.when(late.is_null() | (hour > 12)).then(hour)
            hour = half.when(late).then(hour % 12 + 12).otherwise(hour % 12)
        minute, second = (self._number(c).fill_null(0) if c in self.parts else pl.lit(0) for c in ("M", "S"))
        # 60 is a leap second.
        return _where((hour < 24) & (minute < 60) & (second <= 60), hour * 3600 + minute * 60 + second.clip(0, 59))


@lru_cache(maxsize=256)
def compile_format(written: str, *, clock: bool = False) -> TimeFormat:
    """Compile a strftime format.

    Args:
        written: directives with or without flags (``%-m``, ``%_d``), and text between them.
        clock: allow a time of day in any usual form after it, and a weekday before it.

    Raises:
        InputError: a directive is unknown, or the directives do not define a time.
    """
    parts: set[str] = set()
    pattern = _pattern(written, parts)
    if clock:
        parts |= {"H", "M", "S", "f", "p", "z"}
        pattern = rf"(?:(?:{_WEEKDAY}),?\s+)?{pattern}{CLOCK}"
    if not clock:
        _check(written, parts)
    return TimeFormat(rf"(?i)^\s*{pattern}\s*$", frozenset(parts))


def _pattern(written: str, parts: set[str]) -> str:
    """Return the regular expression of a format; add the names of its groups to `parts`."""
    pattern, end = "", 0
    for match in DIRECTIVE.finditer(written):
        pattern += _literal(written[end : match.start()])
        end = match.end()
        code, flags, width = match["code"], match["flags"], match["width"]
        if code == "%":
            pattern += "%"
        elif code in COMBINED:
            pattern += _pattern(COMBINED[code], parts)
        elif code in CODES:
            name, taken = CODES[code]
            if name == "f" and width:
                taken = rf"\d{{{width}}}"
            group = f"(?:{taken})" if name in parts else f"(?P<{name}>{taken})"
            if "_" in flags:
                group = rf"\s*{group}"
            if "." in flags:
                group = rf"(?:\.{group})?"
            pattern += group
            parts.add(name)
        else:
            raise SettingsError(
                f"{match[0]!r} is not a directive of strftime",
                location=LOCATION,
                hint=f"Known: {' '.join(f'%{code}' for code in sorted({*CODES, *COMBINED}, key=str.lower))}",
                code="time-format",
            )
    return pattern + _literal(written[end:])


def _literal(text: str) -> str:
    """Escape text; blanks match any blanks."""
    return re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(text))


def _check(written: str, parts: set[str]) -> None:
    """Raise if the parts do not define a time."""
    if not parts:
        for theirs, ours in LETTERS.items():
            written = re.sub(rf"(?<![%A-Za-z]){theirs}(?![A-Za-z])", ours, written)
        hint = f"Write {written!r}" if "%" in written else "Write it like '%d.%m.%Y %H:%M'"
        raise SettingsError("holds no directive of strftime", location=LOCATION, hint=hint, code="time-format")
    week = parts & {"U", "V", "W"}
    if week and not parts & {"u", "w", "a"}:
        problem = f"%{min(week)} names a week without a day of it"
        raise SettingsError(problem, location=LOCATION, hint="Add %u, %w or %a", code="time-format")
    if not parts & ({"G", "g"} if "V" in week else {"Y", "y"}) and "s" not in parts:
        raise SettingsError(
            f"{written!r} names no year", location=LOCATION, hint="Add %Y, as in '%Y-%m-%d'", code="time-format"
        )
    if "I" in parts and "p" not in parts:
        problem = "%I is an hour from 1 to 12, and nothing tells morning from afternoon"
        raise SettingsError(
            problem, location=LOCATION, hint="Add %p, or write %H for hours from 0 to 23", code="time-format"
        )


def _where(valid: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(valid).then(value)


def _leap(year: pl.Expr) -> pl.Expr:
    return (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))


def _epoch_day(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Days since 1970-01-01; null if the day does not exist."""
    month_days = pl.when(month.is_in([4, 6, 9, 11])).then(30).when(month != 2).then(31)
    most = month_days.when(_leap(year)).then(29).otherwise(28)
    real = month.is_between(1, 12) & day.is_between(1, most)
    # Count years from March, so that the leap day is the last of a year (Hinnant's days_from_civil).
    shifted = pl.when(month > 2).then(year).otherwise(year - 1)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + day_of_year - 719_468
    return _where(real, days)


def _weekday_of(epoch_day: pl.Expr) -> pl.Expr:
    """0 for Monday; 1970-01-01 was a Thursday."""
    return (epoch_day + 3) % 7


def _offset_seconds() -> pl.Expr:
    """Seconds east of Greenwich; 0 for Z, UTC, GMT and no zone."""
    digits = pl.col("z").str.replace_all(":", "", literal=True)
    hours, minutes, seconds = (digits.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 3, 5))
    east = hours * 3600 + minutes * 60 + seconds
    return pl.when(digits.str.starts_with("-")).then(-east).otherwise(east).fill_null(0)
