"""Clean the cells of raw tables, find damaged ones, and name the row of the first."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import polars as pl

from domains.errors import DataError, Problems
from domains.word_lists import words

_MARKS = {
    *words(
        """
        nan none null <na> undefined na n/a nil nat <null> (null) [null]
        <none> (none)
        missing #n/a #na #null! #ref! #value! #name? #div/0! #num!
        - -- --- ? .
        """
    ),
    "",
    "\\n",
    "(not set)",
    "not set",
}
_NOBODY = {
    *words(
        """
        unknown anonymous unbekannt anonym inconnu anonyme desconocido sconosciuto onbekend
        desconhecido nieznany okand
        (unknown) (empty) (blank) k.a.
        """
    ),
    "not available",
    "not applicable",
    "keine angabe",
    "k. a.",
    "00000000-0000-0000-0000-000000000000",
}


def _in_each_case(marks: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({form(mark) for mark in marks for form in (str, str.upper, str.title)}))


MISSING = tuple(sorted({"NaN", "NaT", "#NaN", *_in_each_case(_MARKS)}))
"""Marks that programs write for a missing value."""
NO_ID = (*MISSING, "k.A.", "k. A.", *_in_each_case(_NOBODY))
"""The same for ids and times, and what stands for nobody: in a list of authors, Anonymous is a name."""
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
"""Zero-width characters, often left around text that was copied from web pages."""
SCIENTIFIC = r"^[+-]?\d{1,3}(?:[.,]\d+[eE]\+?|[eE]\+)\d+$"
"""A long number as a spreadsheet shows it: 7.65612E+16, 7,65612e+16, 7E+10. `7E10` may be an id."""
TOO_NARROW = r"^#{3,}$"
"""What spreadsheets show, and some export, if a column is too narrow."""
AS_TEXT = "Export again with this column as text or as whole numbers; the lost digits cannot be restored"


@dataclass(frozen=True)
class Rows:
    """Positions in the file of the rows of a table, some of which may have been dropped.

    Attributes:
        location: the file.
        numbers: (N,) row number in the file of each remaining row, from 1; None if no row was dropped.
    """

    location: object
    numbers: pl.Series | None = None

    def __str__(self) -> str:
        return str(self.location)

    def at(self, position: int) -> str:
        """Return the location of one row, for messages."""
        number = position + 1 if self.numbers is None else self.numbers[position]
        return f"{self.location}, row {number}"


def rows_of(location: object) -> Rows:
    """Return the rows of a whole file, unless `location` is `Rows` already."""
    return location if isinstance(location, Rows) else Rows(location)


def clean_text(text: pl.Series) -> pl.Series:
    """Strip blanks, zero-width characters and the ``="..."`` of spreadsheets; marks of missing values become null.

    Args:
        text: (N,) String.
    """
    stripped = text.str.strip_chars().str.strip_chars(INVISIBLE).str.strip_chars()
    if stripped.str.starts_with('="').any():
        stripped = stripped.str.replace(r'^="(.*)"$', "$1").str.strip_chars()
    if stripped.str.starts_with("'").all():  # marks text in a spreadsheet
        stripped = stripped.str.strip_chars("'")
    return stripped.set(stripped.is_in(list(NO_ID)).fill_null(value=False), None)


def damaged_numbers(text: pl.Series) -> pl.Series:
    """Return (N,) bool: the cell is a number in scientific notation or ``###``; False for null."""
    return (text.str.contains(SCIENTIFIC) | text.str.contains(TOO_NARROW)).fill_null(value=False)


def report_rows(
    problems: Problems, column: pl.Series, bad: pl.Series, problem: str, location: object, hint: str, code: str = "data"
) -> None:
    """Add a problem that shows the first bad row and the number of bad rows.

    Args:
        problems: list to add to.
        column: (N,) the cells; the first bad one is shown unless it is null.
        bad: (N,) bool.
        problem: what is wrong; ``{}`` in it is replaced by the first bad cell, which otherwise follows.
        location: the file, or the `Rows` in it.
        hint: what to do.
        code: of the error.
    """
    rows = bad.arg_true()
    if rows.is_empty():
        return
    value = column[rows[0]]
    if "{}" in problem:
        problem, shown = problem.replace("{}", shortened(value)), ""
    else:
        shown = "" if value is None else f": {shortened(value)}"
    count = counted(len(rows), "such row")
    where = rows_of(location).at(rows[0])
    problems.add(DataError(f"{problem}{shown} ({count})", location=where, hint=hint, code=code))


def counted(count: int, noun: str) -> str:
    """Write a count and its noun: ``1 row``, ``1,234 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shortened(value: object) -> str:
    """Shorten a value for a message."""
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


TAGS = (
    "a|b|big|br|center|code|del|div|em|font|h[1-6]|hr|i|img|ins|li|mark|ol|p|s|small|span|strike|strong|sub|sup|table|"
    "tbody|td|th|thead|tr|tt|u|ul"
)
MARKUP = rf"(?i)</?(?:{TAGS})(?:\s[^<>]*)?/?>"
"""HTML tags; `<Untitled>` is not one."""
CDATA = r"(?s)<!\[CDATA\[(.*?)\]\]>"
_TAIL = r"[\x80-\xbf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
MISREAD = rf"[ÂÃÅâ]{_TAIL}|(?:[Î-Ñ\xd7-Ù]{_TAIL}){{2}}|(?:[à-í]{_TAIL}{{2}}){{2}}"
"""UTF-8 that was read as cp1252 or latin-1: `Ã¶` for ö. Letters of other scripts are two or three signs each; two such
letters together are no chance, as one is in `Blessé …`."""
ESCAPED = r"\\u[0-9a-fA-F]{4}"
"""Letters in the notation of JSON."""
SCRIPT = r"(?is)<script\b.*?</script>|<style\b.*?</style>|<!--.*?-->"
ENTITY = r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});"


def plain_text(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Remove tags and entities from texts, and restore misread letters; also return the positions of the changed ones.

    Args:
        texts: (n,) String without nulls.

    Returns:
        (n,) String, and (m,) positions, ascending.
    """
    marks = (MARKUP, ENTITY, SCRIPT, CDATA, MISREAD, ESCAPED)
    marked = texts.str.contains("|".join(f"(?:{mark})" for mark in marks)).arg_true()
    if not len(marked):
        return texts, marked
    bare = texts.gather(marked).str.replace_all(CDATA, "$1")
    bare = bare.str.replace_all(SCRIPT, " ").str.replace_all(MARKUP, " ")
    # Unescape twice: &amp;lt; is often a `<` that two programs escaped.
    after = pl.Series([_restored(unescaped(unescaped(text))) for text in bare.to_list()], dtype=pl.String)
    after = after.str.replace_all(MARKUP, " ").str.replace_all(r"\s+", " ").str.strip_chars()
    changed = after != texts.gather(marked)
    return texts.clone().scatter(marked, after), marked.filter(changed)


def unescaped(text: str) -> str:
    """Resolve the entities in a text. Python also takes `&not` in `Salt&notes` for one."""
    return re.sub(ENTITY, lambda entity: html.unescape(entity[0]), text)


def _restored(text: str) -> str:
    """Restore letters that were written as JSON, or read in cp1252 although they are UTF-8."""
    if re.search(ESCAPED, text):
        with suppress(ValueError):
            text = json.loads(f'"{text}"')
    if re.search(MISREAD, text):
        with suppress(UnicodeError):
            text = b"".join(_western(sign) for sign in text).decode("utf-8")
    return text


def _western(sign: str) -> bytes:
    """Encode in cp1252; its five undefined bytes are those of latin-1."""
    try:
        return sign.encode("cp1252")
    except UnicodeEncodeError:
        return sign.encode("latin-1")


BETWEEN = "[\\s'\u2019]"
"""Blanks and apostrophes, which only set thousands apart."""


def as_numbers(text: pl.Series) -> pl.Series:
    """Read (N,) Float64 with a decimal point or comma, and thousands apart (1.234,5 or 1'234.5); null for other text.

    `1,234` is 1234 if a number such as `1,234,567` or `1,234.5` shows it, or if all numbers with a comma are like it
    and some have none, which are below 1,000; else it is 1.234. The same holds for the point. Numbers in parentheses
    are negative, as in accounts.
    """
    plain = text.str.strip_chars().str.replace(r"^\((\d[\d.,]*)\)$", "-$1")
    spaced = plain.str.contains(rf"^-?\d{{1,3}}(?:{BETWEEN}\d{{3}})+(?:[.,]\d+)?$").fill_null(value=False)
    plain = plain.str.replace_all(BETWEEN, "").zip_with(spaced, plain)
    for sign, other in ((",", r"\."), (r"\.", ",")):
        apart = _are_apart(plain, sign, other)
        plain = plain.str.replace_all(sign, "").zip_with(apart, plain)
    return plain.str.replace(r"^(-?\d+),(\d+)$", "${1}.${2}").cast(pl.Float64, strict=False)


def _are_apart(numbers: pl.Series, sign: str, other: str) -> pl.Series:
    """Return (N,) bool, whether a sign sets thousands apart in a number; both signs are regular expressions."""
    there = numbers.str.contains(sign).fill_null(value=False)
    if not there.any():
        return there
    shown = numbers.str.contains(rf"^-?\d{{1,3}}(?:{sign}\d{{3}})+(?:{other}\d+|{sign}\d{{3}})$").fill_null(value=False)
    single = numbers.str.contains(rf"^-?[1-9]\d{{0,2}}{sign}\d{{3}}$").fill_null(value=False)
    if shown.any():
        return shown | single
    decimal = numbers.str.contains(rf"^-?\d*{sign}\d+$").fill_null(value=False) & ~single
    whole = numbers.filter(numbers.str.contains(r"^-?\d+$").fill_null(value=False)).cast(pl.Float64).abs()
    beside = not decimal.any() and len(whole) > 0 and bool((whole < 1_000).all())
    return single if beside else shown
