"""The charts of a report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from domains.split import share_text
from transfer.report.drawing import COLOURS, Interval, Point, Series, forest, lines, pairs, scatter, stacked
from transfer.report.experiment_record import AnchorPoint, CellRecord, Cost, Group, short_titles
from transfer.report.gains import Gain, gains_of
from transfer.report.run_record import RunRecord
from transfer.report.table_format import metric_text, relative_text, sentence_list

MOST_LINES = 6
"""Maximum number of lines in a chart; more could not be told apart."""
CONTROLS = {None: "its base", "constant": "constant prompts", "shuffled": "another user's interests"}
"""Rivals of the paper's variant by their interests."""


@dataclass(frozen=True)
class Chart:
    """A drawing with its caption.

    Attributes:
        caption: title of the chart.
        svg: the drawing.
        note: text below the chart.
    """

    caption: str
    svg: str
    note: str = ""

    @property
    def source(self) -> str:
        """The drawing as a data URL: as an image, it cannot access the page or the network."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"


def gains(cell: CellRecord) -> list[Chart]:
    """Draw the gains of every variant over its base and its controls. Baselines would not fit the axis."""
    record = cell.metrics
    shown = [one for one in gains_of(record) if one.variant in cell.bases and one.rival not in record.baselines]
    rows = [_interval(f"{one.variant} over {one.rival}", one) for one in shown]
    return [Chart("Gains", forest(rows, "difference in NDCG@10, all items, 95 % interval"))] if rows else []


def overview(cells: Sequence[CellRecord]) -> list[Chart]:
    """Draw the gain of the paper's variant over its base and each control, one row per cell."""
    charts = []
    for interests, what in CONTROLS.items():
        rows = []
        for cell, title in zip(cells, short_titles(cells), strict=True):
            named = prompted(cell.metrics)
            pair = (named.get("s2idm"), named.get(interests))
            rows += [_interval(title, one) for one in gains_of(cell.metrics) if (one.variant, one.rival) == pair]
        if rows:
            drawn = forest(rows, "difference in NDCG@10, all items, 95 % interval")
            charts.append(Chart(f"Prompts from diffused interests over {what}", drawn))
    return charts


def _interval(label: str, gain: Gain) -> Interval:
    return Interval(
        label=label,
        middle=gain.difference,
        low=gain.low,
        high=gain.high,
        text=relative_text(gain.relative),
        certain=gain.certain,
    )


def prompted(record: RunRecord) -> dict[str | None, str]:
    """Return SASRec with prompts from each kind of interests, the paper's variant and its rivals; None is the base."""
    found: dict[str | None, str] = {}
    channels = None
    for name in record.trained:
        parts = record.variants[name].parts
        plain = parts.architecture == "sasrec" and not parts.from_source and not parts.terms
        if plain and parts.entry in {"none", "prompts"} and parts.channels == (channels or parts.channels):
            channels = parts.channels
            found.setdefault(parts.interests, name)
    return found


def curves(cell: CellRecord) -> list[Chart]:
    """Draw validation by epoch: training of the bases, and of the variants from their bases."""
    record = cell.metrics
    seed = record.seeds[0]
    ending = f" · seed {seed}"
    found = {title.removesuffix(ending): curve for title, curve in cell.curves.items() if title.endswith(ending)}
    names = shown_variants(cell)
    found = {title: curve for title, curve in found.items() if len(curve.epoch) > 1}  # one point shows nothing
    bases = [title for title in found if title.endswith(")")]
    charts = []
    for caption, titles in (
        (f"Training the base, seed {seed}", bases),
        (f"Training from the base on, seed {seed}", [name for name in names if name in found]),
    ):
        series = [
            Series(title, found[title].epoch, found[title].validation, colour=_colour(names, title, place))
            for place, title in enumerate(titles[:MOST_LINES])
        ]
        if series:
            charts.append(Chart(caption, lines(series, "epoch", f"validation {metric_text(record.product.metric)}")))
    return charts


def breakdowns(cell: CellRecord) -> list[Chart]:
    """Draw gains over the base by history length and by known anchors."""
    named = (
        ("interactions before the test item", cell.breakdowns.history),
        ("different anchors before the test item", cell.breakdowns.known_anchors),
    )
    names = shown_variants(cell)
    charts = []
    for what, groups in named:
        series = [
            Series(
                f"{name} over {cell.bases[name]}",
                tuple(range(len(groups))),
                tuple(group.gain[name].mean for group in groups),
                tuple(1.96 * group.gain[name].error for group in groups),
                names.index(name),
            )
            for name in names
            if name in cell.bases
        ]
        if groups and series:
            users = ", ".join(f"{group.users:,}" for group in groups)
            drawn = lines(series, what, "gain in NDCG@10, all items", [_span(group) for group in groups])
            charts.append(Chart(f"Gain by {what}", drawn, f"Users in each group: {users}. Bars: 1.96 standard errors."))
    return charts


def overlaps(cell: CellRecord) -> list[Chart]:
    """Draw how many anchors each source shares with the target."""
    charts = []
    for one in cell.overlap:
        parts = [
            ("in both", one.shared, 0),
            (f"only in {one.source}", one.first_only, 1),
            (f"only in {one.target}", one.second_only, 2),
        ]
        note = f"Jensen-Shannon divergence of their use: {one.divergence:.2f} bits (0: same use, 1: disjoint)."
        charts.append(Chart(f"Anchors of {one.source} and {one.target}", stacked(parts), note))
    return charts


def anchor_maps(cell: CellRecord) -> list[Chart]:
    """Draw the most used anchors in two dimensions, coloured by the domain that uses them most."""
    if not cell.anchor_map:
        return []
    source = sentence_list(cell.sources)
    target = next((one.target for one in cell.overlap), "the target")
    groups = ("both alike", f"mostly {source}", f"mostly {target}")
    points = [
        Point(one.word.replace("_", " "), one.x, one.y, one.source + one.target, _user(one)) for one in cell.anchor_map
    ]
    note = "The most used anchors. Close: an interest in one makes S2IDM expect the other. Large: used often."
    return [Chart("What S2IDM links", scatter(points, groups), note)]


def _user(one: AnchorPoint) -> int:
    """Return 1 if the sources use an anchor at least twice as much as the target, 2 for the reverse, else 0."""
    if one.source >= 2 * one.target:
        return 1
    return 2 if one.target >= 2 * one.source else 0


def cases(cell: CellRecord) -> list[Chart]:
    """Draw users' interests before and after diffusion."""
    charts = []
    for case in cell.cases:
        titles = "; ".join(title or "(no title)" for title in case.history)
        note = f"{case.interactions} interactions, {case.known} anchors. Newest first: {titles}"
        charts.append(Chart(f"User {case.user}", pairs(case.words, case.before, case.after), note))
    return charts


def thresholds(cell: CellRecord) -> list[Chart]:
    """Draw the metric of users who know few anchors."""
    rows = [row for row in cell.thresholds if row.users]
    if len(rows) < 2:
        return []
    series = [
        Series(
            name,
            tuple(float(row.at_most) for row in rows),
            tuple(row.values["sampled/ndcg@10"][name] for row in rows),
            colour=place,
        )
        for place, name in enumerate(shown_variants(cell))
        if name in rows[0].values["sampled/ndcg@10"]
    ]
    return [Chart("Users with few known anchors", lines(series, "known anchors, at most", "NDCG@10, sampled"))]


def shots(cells: Sequence[CellRecord]) -> list[Chart]:
    """Draw the metric by the share of users that train, one chart for each recipe and protocol."""
    groups: dict[tuple[str, str], list[CellRecord]] = {}
    for cell in sorted(cells, key=lambda cell: cell.metrics.protocol.shots):
        groups.setdefault((cell.label, cell.protocol_name), []).append(cell)
    # The charts are side by side, so a variant has the same colour in all of them if there are enough colours.
    names = list(dict.fromkeys(name for several in groups.values() for name in shown_variants(several[-1])))
    charts = []
    for (label, protocol), several in groups.items():
        if len(several) < 2:
            continue
        series = [
            Series(
                name,
                tuple(range(len(several))),
                tuple(_full_ndcg(cell, name) for cell in several),
                colour=names.index(name) if len(names) <= len(COLOURS) else place,
            )
            for place, name in enumerate(shown_variants(several[-1]))
            if all(name in cell.metrics.variants for cell in several)
        ]
        title = label + (f" · {protocol}" if protocol else "")
        shares = [share_text(cell.metrics.protocol.shots) for cell in several]
        drawn = lines(series, "share of the target's users that train", "NDCG@10, all items", shares)
        charts.append(Chart(f"{title}: a data-scarce target", drawn))
    return charts


def costs(cost: Cost) -> list[Chart]:
    """Draw how parameters and times grow with the catalogue."""
    models = list(dict.fromkeys(row.model for row in cost.rows))
    charts = []
    for caption, key in (
        ("Parameters (M)", "parameters_m"),
        ("Epoch (s)", "train_s"),
        ("Evaluation (s)", "evaluate_s"),
    ):
        series = [
            Series(
                model,
                tuple(float(row.items) for row in cost.rows if row.model == model),
                tuple(float(getattr(row, key)) for row in cost.rows if row.model == model),
                colour=place,
            )
            for place, model in enumerate(models)
        ]
        charts.append(Chart(caption, lines(series, "items", caption[0].lower() + caption[1:])))
    return charts


def shown_variants(cell: CellRecord) -> list[str]:
    """Return trained variants in order of interest: base, the paper's variant, controls, product, others."""
    record = cell.metrics
    named = prompted(record)
    wanted = [named.get(interests) for interests in (None, "s2idm", "constant", "shuffled")]
    first = list(dict.fromkeys(name for name in (*wanted, record.product.variant) if name is not None))
    return [*first, *(name for name in record.trained if name not in first)][:MOST_LINES]


def _colour(names: Sequence[str], title: str, otherwise: int) -> int:
    """Return the colour of a variant, the same in all charts of a cell; a base that was not run gets an unused one."""
    variant = title.partition(" (")[0]
    return names.index(variant) if variant in names else otherwise


def _full_ndcg(cell: CellRecord, name: str) -> float:
    figure = cell.metrics.variants[name].figure("test", "full/ndcg@10")
    return 0.0 if figure is None else figure.mean


def _span(group: Group) -> str:
    return str(group.low) if group.low == group.high else f"{group.low}-{group.high}"
