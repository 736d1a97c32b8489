"""Keep rows by the value of a column: ``event_type in [purchase, cart]``, ``rating >= 4``. Parsed, never evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from domains.dates import read_dates
from domains.errors import InputError
from domains.nearest import suggest

LOCATION = "prepare.keep"
FORMS = (
    "Write it like 'event_type in [purchase, cart]', 'rating >= 4', 'status != returned' or 'kind not in [view]'; "
    "join several with 'and', or give a list; quote names and values that hold blanks or signs"
)
TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign>==|!=|<>|>=|<=|=|>|<|\[|\]|,|\(|\))|(?P<word>[^\s\[\](),=<>!"']+))"""
)
COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}
MOST_LISTED = 12
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Clause:
    """One condition.

    Attributes:
        column: name of the column.
        operator: ``in``, ``not in``, ``<``, ``<=``, ``>`` or ``>=``; equality is ``in`` with one value.
        values: as they are written.
    """

    column: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        if self.operator in ("in", "not in"):
            return f"{self.column} {self.operator} [{', '.join(self.values)}]"
        return f"{self.column} {self.operator} {self.values[0]}"


def parse_keep(conditions: Sequence[str]) -> tuple[Clause, ...]:
    """Parse conditions; a row must meet all of them.

    Raises:
        InputError: one is not understood.
    """
    return tuple(clause for text in conditions for clause in _Parser(text).clauses())


class _Parser:
    """Recursive descent over the tokens of one text: clause ("and" clause)*."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise self._error(f"{text[position:].strip()[:20]!r} is not understood")
            kind = str(match.lastgroup)
            token = match[kind]
            self.tokens.append((kind, token[1:-1] if kind == "quoted" else token))
            position = match.end()

    def clauses(self) -> list[Clause]:
        found = [self._clause()]
        while self.tokens:
            kind, token = self.tokens.pop(0)
            if kind == "word" and token.lower() == "or":
                raise self._error("'or' is not known here; 'in [..]' takes several values of a column")
            if kind != "word" or token.lower() != "and":
                raise self._error(f"{token!r} is not understood")
            found.append(self._clause())
        return found

    def _clause(self) -> Clause:
        column = self._words("a column")
        kind, token = self._next("a comparison")
        if kind == "sign" and token in COMPARISONS:
            operator, value = COMPARISONS[token], self._words("a value")
            if operator in ("==", "!="):
                return Clause(column, "in" if operator == "==" else "not in", (value,))
            return Clause(column, operator, (value,))
        if kind == "word" and token.lower() == "not":
            kind, token = self._next("'in'")
            if kind == "word" and token.lower() == "in":
                return Clause(column, "not in", self._list())
        elif kind == "word" and token.lower() == "in":
            return Clause(column, "in", self._list())
        raise self._error(f"{token!r} is no comparison")

    def _list(self) -> tuple[str, ...]:
        kind, opening = self._next("'['")
        if kind != "sign" or opening not in "[(":
            raise self._error("'in' needs a list in brackets")
        closing, values = {"[": "]", "(": ")"}[opening], [self._words("a value")]
        while True:
            kind, token = self._next(f"{closing!r}")
            if kind == "sign" and token == closing:
                return tuple(values)
            if (kind, token) != ("sign", ","):
                raise self._error(f"{token!r} stands in place of a comma or {closing!r}")
            values.append(self._words("a value"))

    def _words(self, what: str) -> str:
        """A quoted text, or words up to a sign or a keyword, such as ``Event Type``."""
        kind, token = self._next(what)
        if kind == "sign" or (kind == "word" and token.lower() in ("and", "or", "in")):
            raise self._error(f"{token!r} stands in place of {what}")
        if kind == "word":
            while self.tokens and self.tokens[0][0] == "word":
                if self.tokens[0][1].lower() in ("and", "or", "in", "not"):
                    break
                token += f" {self.tokens.pop(0)[1]}"
        return token

    def _next(self, what: str) -> tuple[str, str]:
        if not self.tokens:
            raise self._error(f"{what} is missing at the end")
        return self.tokens.pop(0)

    def _error(self, problem: str) -> InputError:
        return InputError(f"{self.text.strip()!r}: {problem}", location=LOCATION, hint=FORMS)


def find_columns(clauses: Sequence[Clause], there: Sequence[str], location: object) -> tuple[Clause, ...]:
    """The clauses with the columns' names as the file writes them; case does not matter.

    Raises:
        InputError: a column is not there.
    """
    found = []
    for clause in clauses:
        same = [name for name in there if name.split(":")[0].strip().lower() == clause.column.lower()]
        name = clause.column if clause.column in there else next(iter(same), None)
        if name is None:
            raise InputError(
                f"no column {clause.column!r} for {LOCATION}",
                location=location,
                hint=f"{suggest(clause.column, there)}Columns: {', '.join(map(repr, there[:40]))}",
            )
        found.append(Clause(name, clause.operator, clause.values))
    return tuple(found)


def keep_mask(frame: pl.DataFrame, clauses: Sequence[Clause], location: object) -> tuple[pl.Series, list[str]]:
    """(N,) bool: which rows meet all clauses; and what is worth a note.

    Raises:
        InputError: a clause fits no row, or compares what has no order; the hint lists the column's values.
    """
    mask = pl.Series([True]).new_from_index(0, frame.height)
    notes: list[str] = []
    for clause in clauses:
        met = _meets(frame[clause.column], clause, location, notes)
        mask = mask & met
        if not mask.any():
            raise _error(frame[clause.column], f"no row is left by {str(clause)!r}", location)
    return mask, notes


def _meets(column: pl.Series, clause: Clause, location: object, notes: list[str]) -> pl.Series:
    if clause.operator not in ("in", "not in"):
        return _compare(column, clause, location).fill_null(value=False)
    text = _text(column)
    wanted = {value: _equals(text, value) for value in clause.values}
    absent = [value for value, rows in wanted.items() if not rows.any()]
    if len(absent) == len(wanted):
        raise _error(column, f"no row has {' or '.join(map(repr, absent))} in {clause.column!r}", location, absent[0])
    if absent:
        notes.append(f"No row has {' or '.join(map(repr, absent))} in {clause.column!r} ({LOCATION}).")
    equal = pl.Series([False]).new_from_index(0, len(column))
    for rows in wanted.values():
        equal = equal | rows
    return equal if clause.operator == "in" else ~equal


def _equals(text: pl.Series, value: str) -> pl.Series:
    """Rows with this text, or with this number in another notation (5 and 5.0)."""
    equal = text == value.strip()
    number = _number(value)
    if number is not None:
        equal = equal.fill_null(value=False) | (_numbers(text) == number)
    elif value.lower() in ("true", "false"):
        equal = text.str.to_lowercase() == value.lower()
    return equal.fill_null(value=False)


def _compare(column: pl.Series, clause: Clause, location: object) -> pl.Series:
    value = clause.values[0]
    number = _number(value)
    values: pl.Series
    limit: object
    if number is not None and not column.dtype.is_temporal():
        values, limit = (column if column.dtype.is_numeric() else _numbers(_text(column))), number
    elif ISO_DAY.match(value):
        dates = column.cast(pl.Datetime("us")) if column.dtype.is_temporal() else read_dates(_text(column), location)
        limits = read_dates(pl.Series([value]), LOCATION)
        if dates is None or limits is None:
            raise _error(column, f"{clause.column!r} holds no dates", location)
        values, limit = dates, limits[0]
    else:
        raise InputError(f"{str(clause)!r}: {value!r} is no number and no date", location=LOCATION, hint=FORMS)
    if values.null_count() == len(values):
        raise _error(column, f"{clause.column!r} holds no numbers", location)
    met = {">": values.__gt__, ">=": values.__ge__, "<": values.__lt__, "<=": values.__le__}[clause.operator](limit)
    assert isinstance(met, pl.Series)
    return met


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).str.strip_chars()


def _numbers(text: pl.Series) -> pl.Series:
    plain = pl.select(pl.when(text.str.contains(r"^-?\d+,\d+$")).then(text.str.replace(",", ".")).otherwise(text))
    return plain.to_series().cast(pl.Float64, strict=False)


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _error(column: pl.Series, problem: str, location: object, near: str = "") -> InputError:
    counts = _text(column).fill_null("(none)").value_counts(sort=True)
    values = counts.get_column(counts.columns[0]).to_list()
    listed = ", ".join(f"{value[:40]} ({n:,})" for value, n in counts.head(MOST_LISTED).rows())
    more = f" and {len(values) - MOST_LISTED:,} more" if len(values) > MOST_LISTED else ""
    hint = f"{suggest(near, values[:1000]) if near else ''}Values of {column.name!r}: {listed}{more}"
    return InputError(problem, location=location, hint=hint)
