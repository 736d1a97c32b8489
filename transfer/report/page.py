"""The report: one HTML file with its style and charts inside. It needs no script and no network."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from domains.printable import printable
from transfer.report import charts, tables
from transfer.report.experiment_record import ExperimentRecord
from transfer.report.numbers import minus
from transfer.report.table import spans
from transfer.report.verdict import cell_facts, cell_verdict, published_note, verdict


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
    """Escape text for HTML. Names between backticks become code that may break after each plus sign."""
    parts = []
    for part, is_name in spans(printable(text)):
        shown = escape(part)
        parts.append(Markup(f"<code>{shown.replace('+', Markup('+<wbr>'))}</code>") if is_name else shown)  # noqa: S704
    return Markup("").join(parts)
