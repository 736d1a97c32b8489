"""Convert ids of any type to the same text."""

from __future__ import annotations

from typing import Literal

import polars as pl

from domains.errors import DataError, Problems
from domains.raw_cells import AS_TEXT, clean_text, damaged_numbers, report_rows

LARGEST_EXACT = {pl.Float32: 2**24, pl.Float64: 2**53}
"""Largest float of a type up to which every integer is exact."""
EXCEL_DIGITS = 15
"""Number of digits that a spreadsheet keeps; it writes zeros for the rest."""
LONG_DIGITS = 10
"""Numbers of this many digits that all end in `MANY_ZEROS` zeros were rounded when they were shown."""
MANY_ZEROS = 4
ENOUGH_ZEROS = 6
"""Minimum number of zeros, over all ids, to call them rounded."""
WHOLE, WHOLE_FLOAT = r"^-?\d+(?:\.0+)?$", r"\.0+$"
"""Whole numbers, some of which went through a float: 7 and 7.0 are one id."""
FILL_IN = "Fill it in, or remove the row; in a recipe, prepare.missing: drop leaves such rows out"


def to_ids(
    column: pl.Series,
    what: str,
    location: object,
    *,
    missing: Literal["error", "drop"] = "error",
    problems: Problems | None = None,
) -> pl.Series:
    """Convert ids to (N,) String: stripped, in NFC, whole floats as integers (7.0 -> "7").

    Empty cells and marks of missing values (nan, NULL, <NA>, ...) count as missing.

    Args:
        column: ids as text, integers, decimals, floats or categories.
        what: "user id" or "item id", for messages.
        location: the file or the `Rows` in it, for messages.
        missing: whether a row without an id is an error, or null in the result.
        problems: collects errors; their rows are null in the result. By default, errors are raised.

    Raises:
        InputError: a row has no id, ids were rounded, or the column's type cannot identify anything.
    """
    reading = _Reading(what, location, Problems() if problems is None else problems)
    ids = reading.read(column, missing)
    if problems is None:
        reading.problems.check()
    return ids


def is_binary(column: pl.Series) -> bool:
    """Whether the values are bytes that are no text, such as UUIDs of Arrow."""
    if column.dtype != pl.Binary:
        return False
    try:
        column.cast(pl.String)
    except pl.exceptions.ComputeError:
        return True
    return False


class _Reading:
    """Converts one column; wrong rows are added to `problems` and become null."""

    def __init__(self, what: str, location: object, problems: Problems) -> None:
        self.what, self.location, self.problems = what, location, problems

    def read(self, column: pl.Series, missing: str) -> pl.Series:
        kind = column.dtype
        if kind.is_nested() or kind.is_temporal() or kind in (pl.Boolean, pl.Object) or is_binary(column):
            problem = f"a column of type {kind} cannot be the {self.what}"
            self.problems.add(
                DataError(problem, location=self.location, hint="Map another column, or make it text", code="id-type")
            )
            return pl.Series([None] * len(column), dtype=pl.String)
        if kind.is_float():
            column = column.fill_nan(None)
        empty = column.is_null()
        if kind.is_float() or kind.is_decimal():
            column = self._whole_numbers(column)
        text = column.cast(pl.String)
        ids = text if column.dtype.is_integer() else clean_text(text)
        if missing == "error":
            empty = empty | (ids.is_null() & text.is_not_null())
            shown = text.set((text.str.strip_chars() == "").fill_null(value=False), None)
            self._reject(shown, empty, f"no {self.what}", FILL_IN, "missing")
        return self._check_zeros(ids) if column.dtype.is_integer() else self._whole_text(ids)

    def _whole_numbers(self, column: pl.Series) -> pl.Series:
        """Convert floats or decimals to integers."""
        whole = pl.Int64 if column.dtype.is_float() else pl.Int128
        fractions = column != (column.floor() if column.dtype.is_float() else column.cast(whole).cast(column.dtype))
        hint = f"Map the column that holds the {self.what}"
        column = self._reject(column, fractions, f"{self.what} {{}} is a number with a fraction", hint, "fraction")
        if column.dtype.is_float():
            limit = LARGEST_EXACT[pl.Float32 if column.dtype == pl.Float32 else pl.Float64]
            rounded = f"{self.what} {{}} was rounded on its way through a floating-point number"
            column = self._reject(column, column.abs() >= limit, rounded, AS_TEXT, "rounded")
        return column.cast(whole)

    def _whole_text(self, ids: pl.Series) -> pl.Series:
        """Normalise text and reject damaged values."""
        if (ids.str.len_bytes() != ids.str.len_chars()).any():
            ids = ids.str.normalize("NFC")
        nul = ids.str.contains("\0", literal=True)
        ids = self._reject(
            ids, nul, f"{self.what} {{}} holds a NUL byte", "Remove it; the file may be damaged", "nul-byte"
        )
        rounded = f"{self.what} {{}} was rounded by a spreadsheet or program: different ids became one"
        ids = self._reject(ids, damaged_numbers(ids), rounded, AS_TEXT, "rounded")
        present = ids.drop_nulls()
        if len(present) and present.str.contains(WHOLE).all() and present.str.contains(WHOLE_FLOAT).any():
            ids = ids.str.replace(r"\.0+$", "")
            limit = len(str(LARGEST_EXACT[pl.Float64]))
            ids = self._reject(ids, ids.str.len_bytes() > limit, rounded, AS_TEXT, "rounded")
        return self._check_zeros(ids)

    def _check_zeros(self, ids: pl.Series) -> pl.Series:
        """Reject long numbers if all end in zeros."""
        for least, kept in ((EXCEL_DIGITS + 1, EXCEL_DIGITS), (LONG_DIGITS, None)):
            long = (ids.str.len_bytes() >= least) & ids.str.contains(r"^[1-9]\d+$")
            different = ids.filter(long.fill_null(value=False)).unique()
            rest = different.str.slice(kept) if kept else different.str.extract(r"(0*)$")
            enough = int(rest.str.len_bytes().sum()) >= ENOUGH_ZEROS and len(different) > 1
            if enough and rest.str.contains("^0+$" if kept else f"^0{{{MANY_ZEROS},}}$").all():
                problem = f"{self.what} {{}} was rounded by a spreadsheet or program: all end in zeros"
                return self._reject(ids, long, problem, AS_TEXT, "rounded")
        return ids

    def _reject(self, column: pl.Series, bad: pl.Series, problem: str, hint: str, code: str) -> pl.Series:
        """Add the bad rows to `problems` and set them to null."""
        bad = bad.fill_null(value=False)
        if not bad.any():
            return column
        report_rows(self.problems, column, bad, problem, self.location, hint, code)
        nothing = pl.Series([None], dtype=column.dtype).new_from_index(0, len(column))
        return nothing.zip_with(bad, column)
