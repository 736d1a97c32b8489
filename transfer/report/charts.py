"""From the record of a cell to its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from domains.split import share_text
from transfer.report.numbers import relative_text
from transfer.report.svg import COLOURS, Interval, Series, bar_pairs, forest, line_chart, minus, stacked
from transfer.report.tables import Record, gains_of, title_of

PAPER = "sasrec+ipe+s2idm"
PAPER_RIVALS = (
    ("sasrec", "its base"),
    ("sasrec+ipe+constant", "prompts that say nothing"),
    ("sasrec+ipe+shuffled", "another user's interests"),
)
MOST_LINES = 6
"""More lines than this in one chart cannot be told apart."""


def gain_chart(cell: Record) -> str:
    """Gains of every variant over its base and its controls, with intervals; baselines are too far off for one axis."""
    bases, baselines = cell["bases"], cell["metrics"]["baselines"]
    rows = [
        Interval(
            f"{gain.variant} over {gain.rival}",
            gain.difference,
            gain.low,
            gain.high,
            minus(relative_text(gain.relative)),
        )
        for gain in gains_of(cell)
        if gain.variant in bases and gain.rival not in baselines
    ]
    if not rows:
        return ""
    return figure(forest(rows, "NDCG@10 over all items, difference and 95 % interval"), "Gains")


def curve_charts(cell: Record) -> list[str]:
    """Validation metric by epoch: the base that everything starts from, and what became of it."""
    seed, selects = cell["metrics"]["seeds"][0], cell["metrics"]["protocol"]["selection"].partition(",")[0]
    ending = f" · seed {seed}"
    curves = {title.removesuffix(ending): curve for title, curve in cell["curves"].items() if title.endswith(ending)}
    bases = {title: curve for title, curve in curves.items() if title.endswith(")")}
    phases = {title: curve for title, curve in curves.items() if title not in bases}
    names = shown_variants(cell)
    phases = {name: phases[name] for name in names if name in phases}
    charts = []
    for heading, wanted in ((f"Base, seed {seed}", bases), (f"From the base on, seed {seed}", phases)):
        series = [
            Series(title, tuple(curve["epoch"]), tuple(curve["validation"]), colour=_colour(names, title, place))
            for place, (title, curve) in enumerate(list(wanted.items())[:MOST_LINES])
        ]
        if series:
            charts.append(figure(line_chart(series, "epoch", selects), heading, series))
    return charts


def breakdown_charts(cell: Record) -> list[str]:
    """Gain over the base by history length and by known anchors, with 95 % intervals."""
    named = (("history", "interactions before the test"), ("known_anchors", "different anchors met before the test"))
    charts = []
    for key, what in named:
        groups = cell["breakdowns"][key]
        shown = shown_variants(cell)
        if not groups or not set(shown) & set(cell["bases"]):
            continue
        labels = [_span(group["low"], group["high"]) for group in groups]
        series = [
            Series(
                f"{name} over {cell['bases'][name]}",
                tuple(range(len(groups))),
                tuple(group["gain"][name]["mean"] for group in groups),
                tuple(1.96 * group["gain"][name]["error"] for group in groups),
                shown.index(name),
            )
            for name in shown
            if name in cell["bases"]
        ]
        users = ", ".join(f"{group['users']:,}" for group in groups)
        chart = line_chart(series, what, "gain in NDCG@10, all items", labels)
        charts.append(figure(chart, f"Gain by {what}", series, f"Users in each group: {users}."))
    return charts


def overlap_charts(cell: Record) -> list[str]:
    """Which anchors each source shares with the target."""
    charts = []
    for one in cell["overlap"]:
        parts = [
            (f"only in {one['source']}", one["first_only"], 1),
            ("in both", one["shared"], 0),
            (f"only in {one['target']}", one["second_only"], 2),
        ]
        note = f"Jensen-Shannon divergence of how often each anchor is used: {one['divergence']:.2f} bits."
        charts.append(figure(stacked(parts), f"Anchors of {one['source']} and {one['target']}", note=note))
    return charts


def case_charts(cell: Record) -> list[str]:
    """Three users before and after diffusion."""
    charts = []
    for case in cell["cases"]:
        titles = "; ".join(title or "(no title)" for title in case["history"])
        note = f"{case['interactions']} interactions, {case['known']} anchors. Newest first: {titles}"
        chart = bar_pairs(case["words"], case["before"], case["after"])
        charts.append(figure(chart, f"User {case['user']}", note=note))
    return charts


def threshold_charts(cell: Record) -> list[str]:
    """Users who know few anchors: the metric over the threshold."""
    rows = [row for row in cell["thresholds"] if row["users"]]
    if len(rows) < 2:
        return []
    series = [
        Series(
            name,
            tuple(float(row["at_most"]) for row in rows),
            tuple(row["values"]["sampled/ndcg@10"][name] for row in rows),
            colour=place,
        )
        for place, name in enumerate(shown_variants(cell))
        if name in rows[0]["values"]["sampled/ndcg@10"]
    ]
    chart = line_chart(series, "at most so many known anchors", "NDCG@10, sampled")
    return [figure(chart, "Users with few known anchors", series)]


def shots_charts(cells: Sequence[Record]) -> list[str]:
    """The metric over the share of the target's users that train, one chart a recipe and protocol."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for cell in sorted(cells, key=lambda cell: float(cell["metrics"]["protocol"]["shots"])):
        groups.setdefault((cell["label"], cell["protocol_name"]), []).append(cell)
    charts = []
    # The charts stand side by side: a variant has one colour in all of them, if there are as many.
    names = list(dict.fromkeys(name for several in groups.values() for name in shown_variants(several[-1])))
    for (label, protocol), several in groups.items():
        if len(several) < 2:
            continue
        shares = [share_text(cell["metrics"]["protocol"]["shots"]) for cell in several]
        series = [
            Series(
                name,
                tuple(range(len(several))),
                tuple(_full_ndcg(cell, name) for cell in several),
                colour=names.index(name) if len(names) <= COLOURS else place,
            )
            for place, name in enumerate(shown_variants(several[-1]))
            if all(name in cell["metrics"]["variants"] for cell in several)
        ]
        title = label + (f" · {protocol}" if protocol else "")
        chart = line_chart(series, "share of the target's users that train", "NDCG@10, all items", shares)
        charts.append(figure(chart, f"{title}: a data-scarce target", series))
    return charts


def cost_charts(cost: Mapping[str, Any]) -> list[str]:
    """How parameters and evaluation grow with the catalogue."""
    charts = []
    for key, name in (("parameters_m", "parameters (M)"), ("train_s", "epoch (s)"), ("evaluate_s", "evaluation (s)")):
        series = [
            Series(
                model,
                tuple(float(row["items"]) for row in cost["rows"] if row["model"] == model),
                tuple(float(row[key]) for row in cost["rows"] if row["model"] == model),
                colour=place,
            )
            for place, model in enumerate(("TI-DiffRec", "S2IDM"))
        ]
        charts.append(figure(line_chart(series, "items", name), name[0].upper() + name[1:], series))
    return charts


def shown_variants(cell: Record) -> list[str]:
    """Trained variants worth a line: the base, its controls, the paper's, the product; then the others in order."""
    metrics = cell["metrics"]
    trained = [name for name in metrics["variants"] if name not in metrics["baselines"]]
    wanted = [PAPER_RIVALS[0][0], PAPER, *(rival for rival, _ in PAPER_RIVALS[1:]), metrics["product"]["variant"]]
    first = [name for name in dict.fromkeys(wanted) if name in trained]
    return [*first, *(name for name in trained if name not in first)][:MOST_LINES]


def figure(chart: str, caption: str, series: Sequence[Series] = (), note: str = "") -> str:
    """A chart with its caption, legend and note."""
    keys = "".join(f'<li class="c{one.colour % 8}">{escape(one.name)}</li>' for one in series)
    legend = f'<ul class="legend">{keys}</ul>' if keys else ""
    text = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{chart}{legend}{text}</figure>"


def overview_charts(cells: Sequence[Record]) -> list[str]:
    """The paper's variant over its base and over each control, one row a cell that has both."""
    charts = []
    for rival, what in PAPER_RIVALS:
        rows = [
            Interval(title_of(cell), gain.difference, gain.low, gain.high, minus(relative_text(gain.relative)))
            for cell in cells
            for gain in gains_of(cell)
            if (gain.variant, gain.rival) == (PAPER, rival)
        ]
        if rows:
            charts.append(figure(forest(rows, "gain in NDCG@10 over all items, 95 % interval"), f"{PAPER} over {what}"))
    return charts


def _colour(names: Sequence[str], title: str, otherwise: int) -> int:
    """A variant has one colour in all charts of a cell; a base that is no variant of the cell has what is left."""
    variant = title.partition(" (")[0]
    return names.index(variant) if variant in names else otherwise


def _full_ndcg(cell: Record, name: str) -> float:
    value: float = cell["metrics"]["variants"][name]["test"]["full"]["ndcg@10"]["mean"]
    return value


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
