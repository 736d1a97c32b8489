"""Detect whether quote marks in delimited text quote fields or are part of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from domains.errors import DataError
from domains.io.collect import collect

Quoting = Literal["auto", "double", "none"]
MARK = '"'
ESCAPED = r"\""
"""A quote mark within a field, as MySQL writes it; elsewhere it is doubled."""
Lines = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FoundQuoting:
    """The role of the quote marks in a file.

    Attributes:
        quoting: ``double`` if they quote fields, ``none`` if they are text.
        note: a sentence for the user if they are text.
        escaped: whether marks within fields are written as `ESCAPED`.
    """

    quoting: Literal["double", "none"] = "double"
    note: str | None = None
    escaped: bool = False


def find_quoting(file: str, delimiter: str) -> FoundQuoting:
    """Detect the role of quote marks from quoted words and from lines with an odd number of marks.

    An odd number opens or closes a field of several lines. The marks are text if every line of the file, read without
    quoting, has as many fields as the header, and the lines inside such fields begin like other rows.

    Args:
        file: UTF-8, compressed or not.
        delimiter: of its fields.

    Raises:
        InputError: some lines need quoting, and elsewhere a mark would join whole rows.
    """
    stat = Path(file).stat()
    return _find_quoting(file, delimiter, (stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=64)
def _find_quoting(file: str, delimiter: str, _version: tuple[int, int]) -> FoundQuoting:
    line = pl.col("line")
    lines = pl.scan_csv(
        file, separator="\x1e", quote_char=None, has_header=False, new_columns=["line"], infer_schema=False, glob=False
    )
    odd = line.str.count_matches(MARK, literal=True) % 2 == 1
    sign = re.escape(delimiter)
    # A quoted word at the start of a title: "Best" toys.
    behind = line.str.contains(rf'(?:^|{sign})"(?:[^"]|"")*"[^"{sign}]')
    escapes = line.str.count_matches(ESCAPED, literal=True)
    seen = collect(lines.select((odd | behind).any().alias("odd"), (escapes > 0).any().alias("escapes")), file)
    if not seen["odd"].item():
        return FoundQuoting(escaped=bool(seen["escapes"].item()) and _escapes_part(lines, delimiter, file))
    others = line.str.count_matches(MARK, literal=True) - escapes
    # In every such line a field is quoted and all other marks make pairs, which they do not if \ ends a field.
    pairs = (others > 0) & (others % 2 == 0)
    escaped = collect(lines.filter(escapes > 0).select(pairs.all() & (pl.len() > 0)), file).item()
    if escaped:
        return FoundQuoting(escaped=True)
    found = collect(
        lines.select(
            odd.alias("odd"),
            behind.fill_null(value=False).alias("behind"),
            (line.str.count_matches(delimiter, literal=True)).alias("delimiters"),
            line.str.split(delimiter).list.first().alias("first"),
            (line.fill_null("") == "").alias("empty"),
            line.str.contains(rf"(?:^|{sign})\s*{MARK}").alias("opens"),
        ),
        file,
    )
    in_all = found["delimiters"].to_numpy() == found["delimiters"][0]
    opening, closing = _joined(found)
    within = np.zeros(found.height + 1, dtype=np.int64)
    np.add.at(within, opening + 1, 1)
    np.add.at(within, closing + 1, -1)
    inside = np.cumsum(within)[:-1] > 0
    if not found["delimiters"][0]:
        return FoundQuoting()
    if (in_all | found["empty"].to_numpy()).all():
        if not _begin_alike(found["first"], inside):
            return FoundQuoting()
        strange = (found["odd"].fill_null(value=False) | found["behind"]).arg_max() or 0
        why = f"those in line {int(strange) + 1} do not quote a whole field"
        if len(opening):
            why = f"the marks in lines {int(opening[0]) + 1} and {int(closing[0]) + 1} would join all between them"
        return FoundQuoting("none", f"Quote marks in {Path(file).name} are read as text (quoting: none), for {why}.")
    for start, stop in zip(opening, closing, strict=True):
        span = slice(int(start), int(stop) + 1)
        if stop > start and in_all[span].all() and _begin_alike(found["first"], _only(inside, span)):
            raise DataError(
                f"a quote mark joins this line and all up to line {stop + 1}, each of which looks like a row",
                location=f"{file}, line {start + 1}",
                hint="Remove or double the mark, or set quoting to 'none' if no field needs quotes",
                code="quoting",
            )
    return FoundQuoting()


def _escapes_part(lines: pl.LazyFrame, delimiter: str, file: str) -> bool:
    """Whether the lines with `ESCAPED` marks have as many fields as the header only if these end no field."""

    def delimiters(text: pl.Expr) -> pl.Expr:
        return text.str.replace_all(r'"(?:[^"]|"")*"', "").str.count_matches(delimiter, literal=True)

    line = pl.col("line")
    wanted = collect(lines.head(1).select(delimiters(line)), file).item()
    doubled, escaped = delimiters(line), delimiters(line.str.replace_all(ESCAPED, 2 * MARK, literal=True))
    found = lines.filter(line.str.contains(ESCAPED, literal=True))
    return bool(collect(found.select((doubled != wanted).any() & (escaped == wanted).all()), file).item())


def unquote(table: pl.LazyFrame, names: list[str]) -> pl.LazyFrame:
    """Remove the marks around whole fields of a table that was read without quoting.

    Args:
        table: all columns are String.
        names: names of its columns.
    """
    plain = {name: name.strip().strip(MARK) for name in names}
    text = pl.col(pl.String)
    around = text.str.starts_with(MARK) & text.str.ends_with(MARK) & (text.str.len_bytes() > 1)
    inner = text.str.head(-1).str.tail(-1).str.replace_all(MARK * 2, MARK, literal=True)
    return table.with_columns(pl.when(around).then(inner).otherwise(text).name.keep()).rename(
        {name: plain[name] for name in names if plain[name] != name and plain[name]}
    )


def _joined(found: pl.DataFrame) -> tuple[Lines, Lines]:
    """Return the first and last lines of the multi-line fields that quoting would make."""
    opens = found["opens"].fill_null(value=False)
    pairs: list[list[int]] = []
    open_at: int | None = None
    for number in found["odd"].fill_null(value=False).arg_true().to_list():
        if open_at is not None:
            pairs.append([open_at, number])
            open_at = None
        elif opens[number]:
            open_at = number
    if open_at is not None:
        pairs.append([open_at, found.height - 1])
    joined = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return joined[:, 0], joined[:, 1]


def _only(inside: Mask, span: slice) -> Mask:
    only = np.zeros_like(inside)
    only[span] = inside[span]
    return only


def _begin_alike(first: pl.Series, inside: Mask) -> bool:
    """Whether the lines inside quoted fields begin like other rows."""
    shapes = first.fill_null("").str.strip_chars(MARK).str.replace_all(r"\pL+", "a").str.replace_all(r"\d+", "0")
    outside = ~inside
    outside[0] = False  # the header
    if not outside.any():
        return True
    return bool(set(shapes.filter(pl.Series(inside)).unique()) <= set(shapes.filter(pl.Series(outside)).unique()))
