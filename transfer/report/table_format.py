"""`Table`: a table, its number formats, and its output for terminals and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, chop_cells
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from domains.printable import printable


def figure_text(value: float) -> str:
    """Format a metric."""
    return f"{value:.4f}"


def difference_text(difference: float) -> str:
    """Format a difference of two metrics. Zero gets no minus sign, which would look like a loss."""
    return f"{difference:+z.4f}"


def interval_text(low: float, high: float) -> str:
    """Format the interval of a difference."""
    return f"{difference_text(low)} … {difference_text(high)}"


def sentence_list(names: Sequence[str]) -> str:
    """Join names as a sentence does: a, b and c."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


MANYFOLD = 9.0
"""Relative gains from here on are told as a multiple: 100 times rather than +9900.0%."""


def relative_text(share: float | None) -> str:
    """Format a relative gain; a huge one, over next to nothing, as a multiple."""
    if share is None:
        return ""
    return f"{share:+z.1%}" if share < MANYFOLD else f"{share + 1:,.0f} times"


def p_text(p: float | None) -> str:
    """Format a p-value."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def metric_text(metric: str) -> str:
    """Format the name of a metric: ``full/ndcg@10`` as NDCG@10, all items."""
    protocol, name = metric.split("/", 1)
    kind, at, cutoff = name.partition("@")
    return {"hit": "Hit"}.get(kind, kind.upper()) + at + cutoff + {"full": ", all items"}.get(protocol, f", {protocol}")


def minus(text: str) -> str:
    """Return the text with a typographic minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


Kind = Literal["name", "text", "number"]

WIDE_ONLY = 7
"""Terminals leave out columns of this priority or higher."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: title; it may break after a comma.
        kind: names and texts are aligned left and may break; numbers are aligned right and may not.
        priority: a narrow terminal leaves out columns with the highest priority first, and never those with 0.
    """

    heading: str
    kind: Kind = "number"
    priority: int = 0


@dataclass(frozen=True)
class TableEntry:
    """The contents of one cell of a table. Text in backticks is a name.

    Attributes:
        text: text of the cell.
        detail: additional text, smaller.
        published: figure of a paper.
        strong: whether it is the best of its column.
        faint: whether its difference is not significant.
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
    """A row of a table.

    Attributes:
        entries: one entry per column.
        product: whether the row is about the product.
        faint: whether its difference is not significant.
    """

    entries: tuple[TableEntry, ...]
    product: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Table:
    """A titled table.

    Attributes:
        title: title of the table.
        columns: columns from left to right.
        rows: rows from top to bottom.
        notes: sentences below the table.
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
        """Return the table without empty columns."""
        used = [column for place, column in enumerate(self.columns) if any(row.entries[place] for row in self.rows)]
        return self.only(used)


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """Split a text at its backticks, and yield each part with whether it is a name."""
    for place, part in enumerate(re.split(r"`([^`]*)`", text)):
        if part:
            yield part, place % 2 == 1


def plain(text: str) -> str:
    """Return a text without the backticks around names."""
    return "".join(part for part, _ in spans(text))


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` characters, preferably after a space or a plus sign."""
    lines, line = [], ""
    for token in re.findall(r"[^ +]*[ +]|[^ +]+", text):
        if line and cell_len((line + token).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        *whole, line = chop_cells(line + token, width) if cell_len((line + token).rstrip()) > width else [line + token]
        lines += whole
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


MARK = "▶ "
"""Mark before the name of the product."""
SHORTEST = 8
"""Minimum width of a column of names in characters."""


def for_terminal(table: Table, width: int) -> Group:
    """Lay out a table for a terminal without cutting any text.

    Names break after plus signs. Columns that do not fit are left out and listed in a note.

    Args:
        table: the table.
        width: width of the terminal in characters.
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


def _marked(table: Table, entries: Sequence[TableEntry], product: bool) -> list[TableEntry]:
    """Put the mark before the product's name, and the same space before other names."""
    if not any(row.product for row in table.rows):
        return list(entries)
    first, *rest = entries
    mark = MARK if product else " " * len(MARK)
    return [TableEntry(mark + first.text, first.detail, first.published, first.strong, first.faint), *rest]


def _text(entry: TableEntry, width: int) -> Text:
    lines = _lines(entry, width)
    style = ("bold" if entry.strong else "") + (" dim" if entry.faint else "")
    text = Text("\n".join(lines), style.strip())
    if lines[0].startswith(MARK):
        text.stylize("green bold", 0, len(MARK))
    return text


def _lines(entry: TableEntry, width: int) -> list[str]:
    """Return the lines of an entry; continued lines of a name are indented like the first."""
    text = printable(plain(entry.text))
    indent = " " * (len(text) - len(text.removeprefix(MARK).lstrip(" ")))
    lines = wrapped(text[len(indent) :], max(1, width - len(indent)))
    shown = [text[: len(indent)] + lines[0], *(indent + line for line in lines[1:])]
    small = [printable(entry.detail)] if entry.detail else []
    return shown + small + ([f"paper {printable(entry.published)}"] if entry.published else [])


def _heading(column: Column, width: int) -> str:
    return "\n".join(line for part in column.heading.split(", ") for line in wrapped(part, width))


def _natural(table: Table) -> list[int]:
    """Return the widths at which no text breaks."""
    widths = []
    for place, column in enumerate(table.columns):
        texts = [line for row in table.rows for line in _lines(_marked(table, row.entries, row.product)[place], 999)]
        widths.append(max(map(cell_len, [*texts, *column.heading.split(", ")])))
    return widths


def _needed(table: Table) -> list[int]:
    """Return the minimum widths: all numbers, the longest word of a heading, the longest part of a name."""
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
    """Give every column its minimum width, then the rest to headings of numbers, then to names."""
    natural, widths = _natural(table), _needed(table)
    room = width - (sum(widths) + len(widths) - 1)
    for numbers in (True, False):
        places = [place for place, column in enumerate(table.columns) if (column.kind == "number") == numbers]
        # The narrowest column first, so that columns of names get similar widths.
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


_MARKUP = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])")
_LEADING = re.compile(r"^(\d*)([#+.)-])(?=[ #]|$)")
_HTML = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def for_markdown(table: Table, titled: bool = True) -> str:
    """Return a table as Markdown with title and notes; empty if it has no rows."""
    table = table.without_empty_columns()
    if not table:
        return ""
    head = [text(column.heading) for column in table.columns]
    rule = ["---:" if column.kind == "number" else "---" for column in table.columns]
    rows = [[_entry(entry, row.faint or entry.faint) for entry in row.entries] for row in table.rows]
    for row, cells in zip(table.rows, rows, strict=True):
        if row.product:
            cells[0] = f"**{cells[0]}** (product)"
    lines = [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
    title = [f"**{text(table.title)}**"] if titled else []
    return "\n\n".join([*title, "\n".join(lines), *map(text, table.notes)])


def _entry(entry: TableEntry, faint: bool) -> str:
    shown = " ".join(part for part in (text(entry.text), text(entry.detail)) if part)
    shown = f"**{shown}**" if entry.strong else shown
    shown = f"*{shown}*" if faint and shown else shown
    return f"{shown} (published {text(entry.published)})".strip() if entry.published else shown


def text(raw: str) -> str:
    """Escape text for Markdown, on one line. Names in backticks stay code."""
    shown = "".join(code(part) if is_name else _escaped(part) for part, is_name in spans(printable(raw)))
    return _LEADING.sub(r"\1\\\2", shown)


def code(raw: str) -> str:
    """Return text as Markdown code; pipes are escaped, because they would end a table cell even there."""
    shown = printable(raw).replace("|", "\\|")
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _escaped(raw: str) -> str:
    return _MARKUP.sub(lambda match: _HTML.get(match[0], f"\\{match[0]}"), raw)
