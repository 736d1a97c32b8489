"""Tables and the whole record of an experiment as Markdown."""

from __future__ import annotations

import re

from domains.printable import printable
from transfer.report import tables
from transfer.report.experiment_record import CellRecord, ExperimentRecord
from transfer.report.table import Entry, Table, spans
from transfer.report.verdict import cell_facts, cell_verdict, published_note, verdict

_MARKUP = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])")
_LEADING = re.compile(r"^(\d*)([#+.)-])(?=[ #]|$)")
_HTML = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def markdown(record: ExperimentRecord) -> str:
    """Return everything that a results page of a repository needs."""
    made = record.made
    trial = " **A quick trial on a sample of users: no figure here means anything.**" if made.quick else ""
    parts = [f"# {text(record.name)}", text(verdict(record)), text(record.description)]
    parts.append(
        f"Made on {text(made.date)} with {code(made.command)} on {text(made.machine)}; torch {text(made.torch)}.{trial}"
    )
    parts += [f"**Not finished: {text(one.key)}.** {text(one.reason)}." for one in record.unfinished]
    if len(record.cells) > 1:
        parts += ["## At a glance", *(for_markdown(tables.overview(record.cells, metric)) for metric in tables.GLANCE)]
        parts.append(for_markdown(tables.interests(record.cells)))
    for cell in record.cells:
        parts += _cell(cell)
    if record.reference:
        parts += [f"## Published, on other data\n\n{text(record.reference[0].source)}."]
        parts += [for_markdown(tables.reference(record.reference), titled=False)]
    if record.cost is not None:
        parts += ["## Cost", for_markdown(tables.costs(record.cost), titled=False)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _cell(cell: CellRecord) -> list[str]:
    record = cell.metrics
    parts = [f"## {text(cell.title)}", text(cell_verdict(record)), *map(text, cell_facts(cell))]
    parts.append(for_markdown(tables.results(record, cell.published, "Figures on test")))
    parts.append(text(published_note(cell)))
    parts += [for_markdown(tables.comparisons(record, metric, cell.published)) for metric in tables.GLANCE]
    parts += [for_markdown(tables.thresholds(cell)), for_markdown(tables.seed_values(record))]
    return parts


def for_markdown(table: Table, titled: bool = True) -> str:
    """Return a table with its title and notes; nothing if it has no rows."""
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


def _entry(entry: Entry, faint: bool) -> str:
    shown = " ".join(part for part in (text(entry.text), text(entry.detail)) if part)
    shown = f"**{shown}**" if entry.strong else shown
    shown = f"*{shown}*" if faint and shown else shown
    return f"{shown} (published {text(entry.published)})".strip() if entry.published else shown


def text(raw: str) -> str:
    """Escape text for Markdown, on one line. Names between backticks stay code."""
    shown = "".join(code(part) if is_name else _escaped(part) for part, is_name in spans(printable(raw)))
    return _LEADING.sub(r"\1\\\2", shown)


def code(raw: str) -> str:
    """Return text as code; a pipe would end a cell of a table even there."""
    shown = printable(raw).replace("|", "\\|")
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _escaped(raw: str) -> str:
    return _MARKUP.sub(lambda match: _HTML.get(match[0], f"\\{match[0]}"), raw)
