"""The report of an experiment, as Markdown and as one HTML file without scripts."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from domains.printable import printable
from transfer.report import charts
from transfer.report import result_tables as tables
from transfer.report.experiment_record import CellRecord, ExperimentRecord
from transfer.report.gains import cell_facts, cell_verdict, published_note, verdict
from transfer.report.table_format import code, for_markdown, minus, spans, text


def page(record: ExperimentRecord) -> str:
    """Return the whole report of an experiment as HTML."""
    template = _environment().get_template("page.html.j2")
    several = len(record.cells) > 1
    html = template.render(
        record=record,
        verdict=verdict(record),
        glance=[tables.overview(record.cells, metric) for metric in tables.GLANCE] if several else [],
        interests=tables.interests(record.cells) if several else None,
        overview=[*(charts.overview(record.cells) if several else []), *charts.shots(record.cells)],
        charts=charts,
        tables=tables,
        cell_facts=cell_facts,
        cell_verdict=cell_verdict,
        published_note=published_note,
    )
    return html.lstrip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("transfer.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = inline
    environment.filters["printable"] = printable
    environment.filters["number"] = lambda text: inline(minus(text))
    return environment


def inline(text: str) -> Markup:
    """Escape text for HTML. Names in backticks become code that may break after each plus sign."""
    parts = []
    for part, is_name in spans(printable(text)):
        shown = escape(part)
        parts.append(Markup(f"<code>{shown.replace('+', Markup('+<wbr>'))}</code>") if is_name else shown)  # noqa: S704
    return Markup("").join(parts)


def markdown(record: ExperimentRecord) -> str:
    """Return the report as Markdown, for the results page of a repository."""
    made = record.made
    parts = [f"# {text(record.name)}", text(verdict(record)), text(record.description)]
    parts.append(
        f"Made on {text(made.date)} with {code(made.command)} on {text(made.machine)}; torch {text(made.torch)}."
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
    more = (tables.thresholds(cell), tables.target_groups(record), tables.seed_values(record))
    parts += [for_markdown(table) for table in more]
    return parts
