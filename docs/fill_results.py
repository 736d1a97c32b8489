"""Bring experiments into the results page: `python docs/fill_results.py FOLDER...`.

Each folder is what `transfer experiment` wrote. Its tables become docs/results/NAME.md, its overview a block of
docs/results.md, and, if it varies the share of training users, its curves docs/results/NAME.svg.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
from fill_readme import filled
from matplotlib.figure import Figure

from domains.split import share_text
from transfer.report import result_tables as tables
from transfer.report.experiment_record import CellRecord, ExperimentRecord
from transfer.report.experiment_report import markdown
from transfer.report.gains import gains_of
from transfer.report.table_format import (
    Column,
    Row,
    Table,
    TableEntry,
    code,
    for_markdown,
    metric_text,
    p_text,
    relative_text,
    text,
)

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "results.md"


def groups(record: ExperimentRecord) -> dict[str, list[CellRecord]]:
    """Return cells by transfer and protocol, the share of users that train ascending."""
    found: dict[str, list[CellRecord]] = {}
    for cell in sorted(record.cells, key=lambda cell: cell.metrics.protocol.shots):
        name = " · ".join(part for part in (cell.label, cell.protocol_name) if part)
        found.setdefault(name, []).append(cell)
    return found


def varies_shots(record: ExperimentRecord) -> bool:
    """Return whether the cells differ in the share of users that train."""
    return len({cell.metrics.protocol.shots for cell in record.cells}) > 1


def deciding(record: ExperimentRecord) -> str:
    """Return NDCG@10 of the protocol that selects."""
    sampled = any(cell.metrics.product.metric.startswith("sampled/") for cell in record.cells)
    return next(metric for metric in tables.GLANCE if metric.startswith("sampled/") == sampled)


def blocks(record: ExperimentRecord) -> str:
    """Return the block of the results page: one table a transfer if shares vary, or one table of all cells."""
    made, own = record.made, deciding(record)
    parts = [] if record.cost is None else [for_markdown(tables.costs(record.cost), titled=False)]
    if varies_shots(record):
        for label, cells in groups(record).items():
            parts.append(for_markdown(by_share(label, cells, own)))
        parts.append(for_markdown(choices(record)))
    elif record.cells:
        several = len({cell.protocol_name for cell in record.cells}) > 1 or own.startswith("sampled/")
        shown = tables.GLANCE if several else (own,)
        parts += [for_markdown(tables.overview(record.cells, metric)) for metric in shown]
        parts.append(for_markdown(tables.interests(record.cells)))
    seeds = sorted({seed for cell in record.cells for seed in cell.metrics.seeds})
    drawn = f"; seeds {', '.join(map(str, seeds))}" if seeds else ""
    parts.append(
        f"Made on {text(made.date)} by {code(made.command)} on {text(made.machine)}, torch {text(made.torch)}{drawn}. "
        f"Everything else, both protocols, intervals and tests: [{text(record.name)}](results/{record.name}.md)."
    )
    return "\n\n".join(part for part in parts if part)


def by_share(label: str, cells: Sequence[CellRecord], metric: str) -> Table:
    """Return one metric of every variant by the share of users that train."""
    table = tables.overview(cells, metric, f"{label}: {metric_text(metric)}")
    shares = (Column(f"{share_text(cell.metrics.protocol.shots)} of the users") for cell in cells)
    return replace(table, columns=(table.columns[0], *shares))


def choices(record: ExperimentRecord) -> Table:
    """Return what validation prefers in every cell with training users, and its gains over its rivals."""
    found = [
        (f"{label}, {share_text(cell.metrics.protocol.shots)} of the users", cell)
        for label, cells in groups(record).items()
        for cell in cells
        if cell.metrics.protocol.shots > 0
    ]
    gains = {
        (one.rival, place): one
        for place, (_, cell) in enumerate(found)
        for one in gains_of(cell.metrics)
        if one.variant == cell.metrics.product.variant
    }
    rows = [
        Row((TableEntry("validation prefers"), *(TableEntry(f"`{cell.metrics.product.variant}`") for _, cell in found)))
    ]
    for rival in dict.fromkeys(rival for rival, _ in gains):
        texts = [TableEntry(f"over `{rival}`")]
        for place in range(len(found)):
            one = gains.get((rival, place))
            test = "" if one is None or one.p is None else f" (p {p_text(one.p)})"
            texts.append(
                TableEntry("" if one is None else relative_text(one.relative) + test, faint=not (one and one.certain))
            )
        rows.append(Row(tuple(texts)))
    columns = (Column("NDCG@10, all items", "text"), *(Column(title) for title, _ in found))
    return Table("What validation prefers", columns, tuple(rows), tables.inference_notes(list(gains.values())))


def curves(record: ExperimentRecord) -> Figure:
    """Draw a panel a transfer: NDCG@10 over the share of users that train, one line a variant."""
    by_label, metric = groups(record), deciding(record)
    figure = Figure(figsize=(4.2 * len(by_label), 4.4), layout="constrained")
    panels = figure.subplots(1, len(by_label), squeeze=False)[0]
    for panel, (label, cells) in zip(panels, by_label.items(), strict=True):
        shares = [share_text(cell.metrics.protocol.shots) for cell in cells]
        for place, name in enumerate(cells[0].metrics.variants):
            found = [cell.metrics.variants[name].figure("test", metric) for cell in cells]
            drawn = [(share, one) for share, one in zip(shares, found, strict=True) if one is not None]
            panel.errorbar(
                [share for share, _ in drawn],
                [one.mean for _, one in drawn],
                yerr=[one.std for _, one in drawn],
                ls="--" if name in cells[0].metrics.baselines else "-",
                marker="o",
                ms=3,
                color=mpl.colormaps["tab20"](place % 20),
                label=name,
            )
        panel.set_title(label)
        panel.set_xlabel("share of the target's users that train")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(bottom=0)
    panels[0].set_ylabel(f"test {metric_text(metric)}")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    return figure


def main(folders: Sequence[str]) -> None:
    """Bring in every folder in turn."""
    (DOCS / "results").mkdir(exist_ok=True)
    page = PAGE.read_text(encoding="utf-8")
    for folder in folders:
        record = ExperimentRecord.read(Path(folder) / "metrics.json")
        (DOCS / "results" / f"{record.name}.md").write_text(markdown(record), encoding="utf-8")
        content = blocks(record)
        if varies_shots(record):
            with mpl.rc_context({"svg.hashsalt": "results", "text.parse_math": False}):
                curves(record).savefig(DOCS / "results" / f"{record.name}.svg", metadata={"Date": None})
            content = f"![{text(record.description)}](results/{record.name}.svg)\n\n{content}"
        page = filled(page, record.name, content)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
