"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from domains.printable import printable
from transfer.report.table import WIDE_ONLY, Column, Entry, Table, plain, wrapped

MARK = "▶ "
"""Stands before the product."""
SHORTEST = 8
"""Names are not broken into shorter lines than this many characters."""


def for_terminal(table: Table, width: int) -> Group:
    """Lay out a table so that nothing of it is cut.

    Names break after their plus signs. Columns that have no room are left out, and a note says which.

    Args:
        table: what to show.
        width: of the terminal, in characters.
    """
    table = table.without_empty_columns()
    columns = [column for column in table.columns if column.priority < WIDE_ONLY]
    left_out: list[Column] = []
    while _least(table.only(columns)) > width and any(column.priority for column in columns):
        left_out.append(max(reversed(columns), key=lambda column: column.priority))
        columns.remove(left_out[-1])
    shown = table.only(columns)
    laid = RichTable(
        title=Text(printable(plain(table.title)), "bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    widths = _widths(shown, width)
    for column, wide in zip(shown.columns, widths, strict=True):
        laid.add_column(
            _heading(column, wide), justify="right" if column.kind == "number" else "left", width=wide, vertical="top"
        )
    for row in shown.rows:
        laid.add_row(
            *(_text(entry, wide) for entry, wide in zip(_marked(shown, row.entries, row.product), widths, strict=True)),
            style="dim" if row.faint else None,
        )
    notes = list(shown.notes)
    if left_out:
        names = ", ".join(column.heading.replace(", ", " ") for column in reversed(left_out))
        notes.append(f"A wider terminal also shows: {names}.")
    return Group(laid, *(Text(printable(plain(note)), "dim") for note in notes), "")


def _marked(table: Table, entries: Sequence[Entry], product: bool) -> list[Entry]:
    """Put the mark of the product before its name, and room for it before the others."""
    if not any(row.product for row in table.rows):
        return list(entries)
    first, *rest = entries
    mark = MARK if product else " " * len(MARK)
    return [Entry(mark + first.text, first.detail, first.published, first.strong, first.faint), *rest]


def _text(entry: Entry, width: int) -> Text:
    lines = _lines(entry, width)
    style = ("bold" if entry.strong else "") + (" dim" if entry.faint else "")
    text = Text("\n".join(lines), style.strip())
    if lines[0].startswith(MARK):
        text.stylize("green bold", 0, len(MARK))
    return text


def _lines(entry: Entry, width: int) -> list[str]:
    """The lines of an entry; those after the first of a name are indented like the first."""
    text = printable(plain(entry.text))
    indent = " " * (len(text) - len(text.removeprefix(MARK).lstrip(" ")))
    lines = wrapped(text[len(indent) :], max(1, width - len(indent)))
    shown = [text[: len(indent)] + lines[0], *(indent + line for line in lines[1:])]
    small = [printable(entry.detail)] if entry.detail else []
    return shown + small + ([f"paper {printable(entry.published)}"] if entry.published else [])


def _heading(column: Column, width: int) -> str:
    return "\n".join(line for part in column.heading.split(", ") for line in wrapped(part, width))


def _natural(table: Table) -> list[int]:
    """Widths at which nothing breaks."""
    widths = []
    for place, column in enumerate(table.columns):
        texts = [line for row in table.rows for line in _lines(_marked(table, row.entries, row.product)[place], 999)]
        widths.append(max(map(cell_len, [*texts, *column.heading.split(", ")])))
    return widths


def _needed(table: Table) -> list[int]:
    """Widths that hold all numbers, and the longest word of headings and the longest part of names."""
    needed = []
    for place, (column, natural) in enumerate(zip(table.columns, _natural(table), strict=True)):
        entries = [_marked(table, row.entries, row.product)[place] for row in table.rows]
        if column.kind == "number":
            parts = [*column.heading.replace(",", "").split(), *(line for one in entries for line in _lines(one, 999))]
            needed.append(max(map(cell_len, parts)))
            continue
        texts = [plain(one.text) for one in entries]
        parts = [part for text in texts for part in text.removeprefix(MARK).replace("+", "+ ").split()]
        needed.append(min(natural, max(map(cell_len, [*parts, ""])) + len(MARK)))
    return needed


def _least(table: Table) -> int:
    return sum(_needed(table)) + len(table.columns) - 1


def _widths(table: Table, width: int) -> list[int]:
    """Give every column what it needs, and share the rest: first among the headings of numbers, then among names."""
    natural, widths = _natural(table), _needed(table)
    room = width - (sum(widths) + len(widths) - 1)
    for numbers in (True, False):
        places = [place for place, column in enumerate(table.columns) if (column.kind == "number") == numbers]
        # The narrowest first, so that two columns of names grow to about the same width.
        while room > 0 and (short := [place for place in places if widths[place] < natural[place]]):
            widths[min(short, key=widths.__getitem__)] += 1
            room -= 1
    while room < 0:
        breakable = [place for place, column in enumerate(table.columns) if column.kind != "number"]
        widest = max(breakable, key=widths.__getitem__, default=0)
        if widths[widest] <= SHORTEST:
            break
        widths[widest] -= 1
        room += 1
    return widths
