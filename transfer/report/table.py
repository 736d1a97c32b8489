"""A table as a value: what it says, and what may be left out where there is no room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len, chop_cells

Kind = Literal["name", "text", "number"]

WIDE_ONLY = 7
"""Columns of this priority and more are for pages; terminals leave them out."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: a comma is where it may break.
        kind: names and texts are on the left and may break, numbers are on the right and may not.
        priority: in a narrow terminal, the columns with the largest numbers are left out first; 0 is never left out.
    """

    heading: str
    kind: Kind = "number"
    priority: int = 0


@dataclass(frozen=True)
class Entry:
    """The contents of one row in one column. Text between backticks is a name.

    Attributes:
        text: what it says.
        detail: smaller, below or behind.
        published: what a paper printed; never ours.
        strong: whether it is the best of its column.
        faint: whether it may be chance.
    """

    text: str = ""
    detail: str = ""
    published: str = ""
    strong: bool = False
    faint: bool = False

    def __bool__(self) -> bool:
        return bool(self.text or self.detail or self.published)


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        entries: one a column.
        product: whether it is about the variant that the run recommends with.
        faint: whether what it says may be chance.
    """

    entries: tuple[Entry, ...]
    product: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Table:
    """A titled table.

    Attributes:
        title: what it shows.
        columns: from left to right.
        rows: from top to bottom.
        notes: sentences below it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows)

    def only(self, columns: list[Column]) -> Table:
        """Return the table with some of its columns."""
        kept = [place for place, column in enumerate(self.columns) if column in columns]
        rows = tuple(replace(row, entries=tuple(row.entries[place] for place in kept)) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows)

    def without_empty_columns(self) -> Table:
        """Return the table without the columns in which no row says anything."""
        used = [column for place, column in enumerate(self.columns) if any(row.entries[place] for row in self.rows)]
        return self.only(used)


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """Split a text at its backticks into parts, each with whether it is a name."""
    for place, part in enumerate(re.split(r"`([^`]*)`", text)):
        if part:
            yield part, place % 2 == 1


def plain(text: str) -> str:
    """Return a text without the backticks around names."""
    return "".join(part for part, _ in spans(text))


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` cells: after a space or a plus sign, elsewhere only if it must."""
    lines, line = [], ""
    for token in re.findall(r"[^ +]*[ +]|[^ +]+", text):
        if line and cell_len((line + token).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        *whole, line = chop_cells(line + token, width) if cell_len((line + token).rstrip()) > width else [line + token]
        lines += whole
    return [*lines, line.rstrip()] if line.strip() or not lines else lines
