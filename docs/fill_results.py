"""Bring experiments into the results page: `python docs/fill_results.py FOLDER...`.

Each folder is what `transfer experiment` wrote. Its tables become docs/results/NAME.md, which keeps its notes. If it
varies the share of training users, the page shows its curves, docs/results/NAME.svg. The list of experiments in
docs/results.md is made of these pages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from statistics import fmean as mean

import matplotlib as mpl
from fill_readme import filled
from matplotlib.figure import Figure

from domains.split import share_text
from transfer.experiments.gather import log_entries
from transfer.report import result_tables as tables
from transfer.report.experiment_record import CellRecord, Curve, ExperimentRecord
from transfer.report.experiment_report import markdown
from transfer.report.run_record import common_threads
from transfer.report.table_format import Column, Row, Table, TableEntry, figure_text, for_markdown, metric_text

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "results.md"
NOTES = re.compile(r"<!-- notes -->.*?<!-- /notes -->", re.DOTALL)
QUESTION = re.compile(r"^([^\n<|]+\?)\n\nMade on ", re.MULTILINE)
MADE = re.compile(r"^Made on (\d{4}-\d\d-\d\d)", re.MULTILINE)
HOURS = re.compile(r"took (\d+\.\d) core-hours")
STEP, LONG = 40, 120
"""Epochs between the columns of the table of phases; the shortest phase that has one."""
NAME, SIGN, LINE = 0.7, 0.085, 0.22
"""Inches: of a name in the legend without its signs, of a sign, and of a line of names."""
SEEDS = re.compile(r"\b[Ss]eeds (\d+(?:, \d+)*)")


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


def core_hours(folder: Path, record: ExperimentRecord) -> float:
    """Return the hours of all cores that an experiment trained and validated, S2IDM included."""
    seconds = 0.0
    for log in sorted(folder.glob("*/*/training.jsonl")):
        for row in log_entries(log):
            seconds += sum(row.get(part, 0.0) for part in ("seconds", "train_seconds", "validation_seconds"))
    variants = [variant for cell in record.cells for variant in cell.metrics.variants.values()]
    return seconds * (common_threads(variants) or 1) / 3600


def with_cost(page: str, hours: float) -> str:
    """Return a generated page with the cost of its experiment, behind where it was made."""
    cost = f" Training and validation took {hours:.1f} core-hours."
    return re.sub(r"^Made on .*$", lambda made: made[0] + cost, page, count=1, flags=re.MULTILINE)


def lengths_of_phases(cell: CellRecord, where: str = "") -> str:
    """Return a table of the best validation so far as the second phases go on, the mean of the seeds.

    Empty if they are shorter than `LONG`, where ends say little.

    Args:
        cell: the cell.
        where: how the title calls it, if there are several.
    """
    curves = second_phases(cell)
    longest = int(max((max(curve.epoch, default=0) for curve in curves.values()), default=0))
    if longest < LONG:
        return ""
    ends = [*range(STEP, longest, STEP), longest]
    found: dict[str, list[list[float]]] = {}
    for name, curve in curves.items():
        points = list(zip(curve.epoch, curve.validation, strict=True))
        best = [max(score for epoch, score in points if epoch <= end) for end in ends]
        found.setdefault(name.split(" · seed ")[0], []).append(best)
    rows = [
        Row(
            (
                TableEntry(f"`{variant}`"),
                *(TableEntry(figure_text(mean(column))) for column in zip(*seeds, strict=True)),
            )
        )
        for variant, seeds in found.items()
    ]
    metric = metric_text(cell.metrics.product.metric)
    title = ", ".join(part for part in ("Best validation until an epoch of the second phase", where, metric) if part)
    columns = (Column("variant", "name"), *(Column(str(end)) for end in ends))
    return for_markdown(Table(title, columns, tuple(rows)))


def second_phases(cell: CellRecord) -> dict[str, Curve]:
    """Return the curves of variants and their seeds, without the bases that they start from."""
    if not any(" (base)" in name for name in cell.curves):
        return {}
    return {name: curve for name, curve in cell.curves.items() if " · seed " in name and " (base)" not in name}


def with_notes(page: str, old: str) -> str:
    """Return a generated page with the notes that people wrote into its earlier version, before the first table."""
    notes = NOTES.search(old)
    return page if notes is None else before_tables(page, notes[0])


def before_tables(page: str, part: str) -> str:
    """Return a generated page with a part before its first table."""
    head, tables_of_it = page.split("\n## ", 1)
    return f"{head.rstrip()}\n\n{part}\n\n## {tables_of_it}"


def index(pages: Mapping[str, str]) -> str:
    """Return the table of all experiments: question, date, most seeds of a table, cost."""
    lines = ["| experiment | question | made on | seeds | core-hours |", "| --- | --- | --- | ---: | ---: |"]
    for name, page in sorted(pages.items()):
        question, made, hours = QUESTION.search(page), MADE.search(page), HOURS.search(page)
        seeds = max((found.count(",") + 1 for found in SEEDS.findall(page)), default=None)
        found = [match[1] if match else "" for match in (question, made, hours)]
        cells = (*found[:2], str(seeds or ""), found[2])
        lines.append(f"| [{name}](results/{name}.md) | {' | '.join(cells)} |")
    return "\n".join(lines)


def curves(record: ExperimentRecord) -> Figure:
    """Draw a panel a transfer: NDCG@10 over the share of users that train, one line a variant."""
    by_label, metric = groups(record), deciding(record)
    names = [*record.cells[0].metrics.variants]
    width = max(4.2 * len(by_label), 6.0)
    columns = min(3, max(1, int(width / (NAME + SIGN * max(map(len, names))))))
    figure = Figure(figsize=(width, 3.7 + LINE * ceil(len(names) / columns)), layout="constrained")
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
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def main(folders: Sequence[str]) -> None:
    """Bring in every folder in turn."""
    results = DOCS / "results"
    results.mkdir(exist_ok=True)
    for folder in folders:
        record = ExperimentRecord.read(Path(folder) / "metrics.json")
        page = results / f"{record.name}.md"
        old = page.read_text(encoding="utf-8") if page.exists() else ""
        hours = core_hours(Path(folder), record)
        text = with_cost(markdown(record), hours) if hours >= 0.05 else markdown(record)
        several = len(record.cells) > 1
        phases = [lengths_of_phases(cell, cell.title if several else "") for cell in record.cells]
        text = "\n\n".join(part.strip() for part in (text, *phases) if part) + "\n"
        text = with_notes(text, old)
        if varies_shots(record):
            text = before_tables(text, f"![{record.description}]({record.name}.svg)")
            with mpl.rc_context({"svg.hashsalt": "results", "text.parse_math": False}):
                curves(record).savefig(results / f"{record.name}.svg", metadata={"Date": None})
        page.write_text(text, encoding="utf-8")
    pages = {path.stem: path.read_text(encoding="utf-8") for path in results.glob("*.md")}
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), "experiments", index(pages)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
