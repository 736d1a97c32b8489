"""Which rows of the interactions meet the conditions of `keep`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from domains.dates import read_dates
from domains.errors import DataError, InputError, SettingsError
from domains.keep import FORMS, LOCATION, Clause
from domains.nearest import suggest

MOST_LISTED = 12
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


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
            raise DataError(
                f"no column {clause.column!r} for {LOCATION}",
                location=location,
                hint=f"{suggest(clause.column, there)}Columns: {', '.join(map(repr, there[:40]))}",
                code="keep-column",
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
        problem = f"{str(clause)!r}: {value!r} is no number and no date"
        raise SettingsError(problem, location=LOCATION, hint=FORMS, code="keep-syntax")
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
    return DataError(problem, location=location, hint=hint, code="keep-value")
