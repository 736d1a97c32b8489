"""Look at the first lines of delimited text: what stands before the header, the header, the delimiter."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from domains.column_names import ALIASES, FIELDS, compared
from domains.errors import DataError
from domains.io.compressed import DELIMITERS, LONGEST_HEAD, READING_FAILS, delimiter_of, open_text

Header = Literal["auto", "first", "none"]
SAMPLE = 200
"""Lines to look at."""
MOST_BEFORE = 20
"""Maximum number of lines before the header."""
MADE_UP = r"column_\d+"
"""Names that are given to the columns of a file without a header."""
MOST = 0.8
"""Share of lines that is called most of them."""
PAIR = "::"
"""A delimiter of two signs, as in older editions of MovieLens."""
KNOWN = frozenset(compared(name) for names in (*ALIASES.values(), *FIELDS.values()) for name in names)


@dataclass(frozen=True)
class Head:
    """The first lines of a file.

    Attributes:
        delimiter: of the fields.
        skip: number of lines before the header, or before the first row if `names` is given.
        names: names of the columns if the file has none, or too few; None if the header names them.
        mark: the sign around quoted fields.
        old_lines: whether lines end with a carriage return alone.
        spaced: whether a blank stands between the delimiter and the mark of a quoted field: ``"a", "b"``.
        note: a sentence for the user about what is unusual, without the name of the file; None if nothing is.
    """

    delimiter: str
    skip: int = 0
    names: tuple[str, ...] | None = None
    mark: str = '"'
    old_lines: bool = False
    spaced: bool = False
    note: str | None = None


def find_head(file: str, separator: str | None = None, header: Header = "auto") -> Head:
    """Look at the first lines of a file in UTF-8, compressed or not.

    Args:
        file: the file.
        separator: delimiter; the most frequent one in the header by default.
        header: whether the first line is the header, or there is none; detected by default.

    Raises:
        InputError: the lines say of which item the rows below are, as in the Netflix Prize.
    """
    stat = Path(file).stat()
    return _find_head(file, separator, header, (stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=64)
def _find_head(file: str, separator: str | None, header: Header, _version: tuple[int, int]) -> Head:
    if header == "first":
        return Head(separator or delimiter_of(file))
    lines, old_lines = _first_lines(file)
    if not lines:
        return Head(separator or delimiter_of(file))
    named = re.fullmatch(r"(?i)sep=(.)", lines[0].strip())
    skip = 1 if named else _count_before(lines)
    separator = separator or (named.group(1) if named else None)
    delimiter = separator or _delimiter(lines[skip:])
    spaced = _are_spaced(lines[skip:], delimiter)
    if spaced:
        lines = [line.replace(f'{delimiter} "', f'{delimiter}"') for line in lines]
    rows = [row for line in lines[skip:] if (row := _fields(line, delimiter))]
    notes = [f"the first {_lines(skip)} no header, and skipped"] if skip and not named else []
    if not rows:
        return Head(delimiter, skip, old_lines=old_lines, spaced=spaced)
    first, others = rows[0], rows[1:]
    mark = "'" if len(first) > 1 and all(re.fullmatch(r"'[^']*'", cell) for cell in first) else '"'
    names: Sequence[str] | None = None
    width = Counter(len(row) for row in others).most_common(1)[0][0] if others else len(first)
    if header == "none" or _is_data(first, others):
        if skip and re.fullmatch(r"\d+:", lines[skip - 1].strip()):
            raise DataError(
                f"holds sections: what stands below {lines[skip - 1].strip()!r} belongs to it",
                location=file,
                hint="Write one row for each user and item, with the number of its section as a column",
                code="sections",
            )
        names = [f"column_{number + 1}" for number in range(max(width, len(first)))]
        if header == "auto":
            notes.append(f"the first line is data, so the columns are called column_1 to column_{len(names)}")
    elif width == len(first) + 1 and all(len(row) == width for row in others) and mark == '"':
        trailing = not any(row[-1].strip() for row in others)
        names = [*first, ""] if trailing else ["row_name", *first]
        skip += 1
        why = "and empty: it is left out" if trailing else "the first, which names the rows, as R writes them"
        notes.append(f"each row has one field more than the header, {why}")
    given, note = None if names is None else tuple(names), "; ".join(notes) or None
    return Head(delimiter, skip, given, mark, old_lines, spaced, note)


def is_made_up(name: str) -> bool:
    """Whether a column's name stands in no file: `find_head` gave it."""
    return re.fullmatch(MADE_UP, name) is not None


def _first_lines(file: str) -> tuple[list[str], bool]:
    """Return the first lines without their ends, and whether a carriage return alone ends them."""
    try:
        with open_text(file) as binary:
            head = binary.read(LONGEST_HEAD)
    except READING_FAILS:
        return [], False
    text = head.decode("utf-8-sig", errors="replace")
    old_lines = "\r" in text.rstrip("\r") and "\n" not in text
    lines = re.split(r"\r" if old_lines else r"\r?\n", text)
    if len(head) == LONGEST_HEAD:
        lines = lines[:-1]
    return lines[:SAMPLE], old_lines


def _count_before(lines: Sequence[str]) -> int:
    """Count the lines before the header.

    The header is the only line that names usual columns; else the first with several fields, if most others have
    several too.
    """
    named = list(dict.fromkeys(line for line in lines[: MOST_BEFORE + 1] if _names_columns(line)))
    if len(named) == 1:
        place, sign = lines.index(named[0]), _delimiter(named)
        widths = [len(_fields(line, sign)) for line in lines]
        width = widths[place]
        # A row of such words below a header of unusual names has as many fields as most others.
        others = sum(other != width for other in widths[:place])
        if any(widths[place + 1 :]) and set(widths[place:]) <= {0, width, width + 1} and 2 * others > place:
            return place
    several = [any(_filled(line, sign) > 1 for sign in (*DELIMITERS, PAIR)) for line in lines]
    first = next((number for number, line in enumerate(several) if line), 0)
    later = [line for text, line in zip(lines[first:], several[first:], strict=True) if text.strip()]
    return first if first <= MOST_BEFORE and sum(later) >= MOST * len(later) and len(later) > 1 else 0


def _names_columns(line: str) -> bool:
    """Whether at least two fields of a line, and half of them, are usual names of columns."""
    cells = _fields(line, _delimiter([line]))
    return sum(compared(cell) in KNOWN for cell in cells) >= max(2, len(cells) / 2)


def _filled(line: str, sign: str) -> int:
    return sum(bool(cell.strip(' \t"')) for cell in line.split(sign))


def _delimiter(lines: Sequence[str]) -> str:
    """Return the most frequent delimiter of the header; `PAIR` if all lines have the same number of it."""
    pairs = {line.count(PAIR) for line in lines if line.strip()}
    if len(pairs) == 1 and min(pairs) > 0:
        return PAIR
    return max(DELIMITERS, key=lines[0].count)


def _are_spaced(lines: Sequence[str], delimiter: str) -> bool:
    """Whether in most lines a blank, and in none nothing, stands between the delimiter and a quote mark."""
    filled = [line for line in lines if line.strip()]
    if any(f'{delimiter}"' in line for line in filled):
        return False
    return sum(f'{delimiter} "' in line for line in filled) > MOST * len(filled)


def _fields(line: str, delimiter: str) -> list[str]:
    if not line.strip():
        return []
    if len(delimiter) > 1:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return line.split(delimiter)


def _is_data(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the first line looks like the others: a cell with digits has the shape of most cells below it.

    A line that names a usual column is a header, and so is one of many different numbers: of a matrix.
    """
    if len(others) < 2 or any(compared(cell) in KNOWN for cell in first):
        return False
    if len(first) > MOST_BEFORE and len(set(first)) == len(first):
        return False
    for place, cell in enumerate(first):
        below = [_shape(row[place]) for row in others if len(row) > place]
        if re.search(r"\d", cell) and below and below.count(_shape(cell)) > len(below) / 2:
            return True
    return False


def _shape(cell: str) -> str:
    """Replace letters by ``a`` and numbers by ``0``: B00012 -> a0."""
    return re.sub(r"\d+(?:[.,]\d+)?", "0", re.sub(r"[^\W\d_]+", "a", cell.strip()))


def _lines(count: int) -> str:
    return "line is" if count == 1 else f"{count} lines are"
