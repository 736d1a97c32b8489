"""The tables of a report. Each is defined once, for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transfer.report.experiment_record import CellRecord, Cost, PublishedFigures, short_titles
from transfer.report.gains import Gain, InterestGain, gains_of, interest_gains
from transfer.report.run_record import DIVISIONS, SEEDS_FOR_A_TEST, GroupName, RunRecord, Spread, VariantRecord
from transfer.report.table_format import (
    Column,
    Row,
    Table,
    TableEntry,
    difference_text,
    figure_text,
    interval_text,
    metric_text,
    p_text,
    relative_text,
)

METRICS: tuple[tuple[str, int], ...] = (
    ("full/ndcg@10", 0),
    ("full/hit@10", 1),
    ("sampled/ndcg@5", 7),
    ("sampled/ndcg@10", 3),
    ("sampled/hit@5", 7),
    ("sampled/hit@10", 4),
    ("sampled/auc", 5),
)
"""Metrics of the results table and priorities of their columns; the first metric orders the variants."""
GLANCE = ("full/ndcg@10", "sampled/ndcg@10")
"""Metrics of the overview of all cells."""
UNMOVED = "†"
"""Marks a variant that kept epoch 0 of its second phase."""
UNMOVED_SHORT = f"{UNMOVED} Never left its base for some seed; see the table of the run."


def results(record: RunRecord, published: PublishedFigures | None = None, title: str | None = None) -> Table:
    """Return the results table: metrics of every variant on the test items. The best of each column is marked."""
    metrics = [(metric, priority) for metric, priority in METRICS if _measured(record, metric)]
    columns = [Column("variant", "name"), Column("seeds", priority=7)]
    columns += [Column(f"validation, {metric_text(record.product.metric)}".replace(", all items", ""), priority=2)]
    columns += [Column(metric_text(metric), priority=priority) for metric, priority in metrics]
    columns += [Column("kept epoch, base + variant", priority=6), Column("coverage", priority=8)]
    columns += [Column("popularity, rank", priority=8)]
    best = {metric: _best(record, metric) for metric, _ in metrics}
    chosen = max(variant.selection.mean for variant in record.variants.values())
    rows = []
    for name, variant in record.variants.items():
        beyond = variant.beyond
        entries = [named(record, name), TableEntry(_seeds(record, name))]
        validated = record.protocol.training_users > 0
        entries += [_figure(variant.selection, chosen) if validated else TableEntry()]
        entries += [
            _figure(variant.figure("test", metric), best[metric], _printed(published, name, metric))
            for metric, _ in metrics
        ]
        entries += [TableEntry(_kept(variant))]
        shares = (None, None) if beyond is None else (beyond.coverage, beyond.popularity_rank)
        entries += [TableEntry("" if share is None else f"{share:.3f}") for share in shares]
        rows.append(Row(tuple(entries), product=name == record.product.variant))
    seeds = len(record.seeds)
    spread = f"mean ± standard deviation of {seeds} seeds" if seeds > 1 else "one seed"
    heading = f"{record.domain} · test · {record.protocol.test_users:,} users · {spread}"
    return Table(title or heading, tuple(columns), tuple(rows), unmoved_note(record)).without_empty_columns()


def comparisons(
    record: RunRecord,
    metric: str = "full/ndcg@10",
    published: PublishedFigures | None = None,
    bases: Mapping[str, str] | None = None,
) -> Table:
    """Return the table of paired comparisons on the test items. Differences that are not significant are faint."""
    gains = gains_of(record, metric, published, bases)
    columns = (
        Column("variant", "name"),
        Column("over", "name"),
        Column("difference"),
        Column("relative"),
        Column("95 % interval", priority=3),
        Column("p"),
        Column("published"),
    )
    rows = tuple(
        Row(
            (
                named(record, gain.variant),
                named(record, gain.rival),
                TableEntry(difference_text(gain.difference)),
                TableEntry(relative_text(gain.relative)),
                TableEntry(interval_text(gain.low, gain.high)),
                TableEntry(p_text(gain.p)),
                TableEntry(published=relative_text(gain.published)),
            ),
            faint=not gain.certain,
        )
        for gain in gains
    )
    names = {name for gain in gains for name in (gain.variant, gain.rival)}
    notes = (*inference_notes(gains), *unmoved_note(record, names))
    return Table(f"{metric_text(metric)}: differences on test", columns, rows, notes).without_empty_columns()


def inference_notes(gains: Sequence[Gain]) -> tuple[str, ...]:
    """Return notes that explain the intervals and p-values."""
    notes = []
    tested = sum(gain.p is not None for gain in gains)
    untested = {gain.seeds for gain in gains if gain.p is None}
    fewest = {seeds for seeds in untested if seeds < SEEDS_FOR_A_TEST}
    if tested:
        notes.append(
            "p: two-sided, users and seeds as two sources of variation (mixed model), Holm-corrected for "
            f"{tested} comparison{'s' if tested > 1 else ''}. Faint or italic: not significant."
        )
    if fewest:
        seeds = "One seed" if fewest == {1} else "Fewer than five seeds"
        notes.append(
            f"{seeds}: no p-value. The interval is over users only, and another seed may turn the difference around. "
            "Faint or italic: the interval holds zero."
        )
    if untested - fewest:
        notes.append("No p-value: the variants do not differ, or all seeds give the same result.")
    return tuple(notes)


def named(record: RunRecord, name: str) -> TableEntry:
    """Return the name of a variant, marked if training did not improve on its base."""
    mark = UNMOVED if record.variants[name].unmoved else ""
    return TableEntry(f"`{name}`{mark}")


def unmoved_note(record: RunRecord, names: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return a note that explains the mark `UNMOVED`, if any of the variants has it."""
    found = []
    for name in record.variants if names is None else names:
        variant = record.variants[name]
        if variant.unmoved:
            seeds = len(variant.kept_epochs or ())
            found.append("" if variant.unmoved == seeds else f"`{name}` at {variant.unmoved} of {seeds} seeds")
    if not found:
        return ()
    some = ", ".join(one for one in sorted(found) if one)
    return (
        f"{UNMOVED} Never left its base: validation preferred epoch 0 of its second phase, so interests enter by "
        f"untrained weights{f' ({some})' if some else ''}.",
    )


def overview(cells: Sequence[CellRecord], metric: str = GLANCE[0], title: str = "") -> Table:
    """Return the table of one metric by variant and cell. The best of each cell is marked."""
    names = dict.fromkeys(name for cell in cells for name in cell.metrics.variants)
    best = [_best(cell.metrics, metric) for cell in cells]
    rows = []
    for name in names:
        found = [cell.metrics.variants.get(name) for cell in cells]
        mark = UNMOVED if any(variant is not None and variant.unmoved for variant in found) else ""
        figures = (
            _at_a_glance(cell, name, metric, top) if name in cell.metrics.variants else TableEntry()
            for cell, top in zip(cells, best, strict=True)
        )
        rows.append(Row((TableEntry(f"`{name}`{mark}"), *figures)))
    notes = ["Product: the variant that validation chose in the column's run."]
    if any(variant.unmoved for cell in cells for variant in cell.metrics.variants.values()):
        notes.append(UNMOVED_SHORT)
    columns = (Column("variant", "name"), *map(Column, short_titles(cells)))
    return Table(title or metric_text(metric), columns, tuple(rows), tuple(notes))


def _at_a_glance(cell: CellRecord, name: str, metric: str, best: float) -> TableEntry:
    figure = cell.metrics.variants[name].figure("test", metric)
    entry = _figure(figure, best, _printed(cell.published, name, metric))
    if not entry or name != cell.metrics.product.variant:
        return entry
    return replace(entry, detail=f"{entry.detail} product".strip())


def interests(cells: Sequence[CellRecord]) -> Table:
    """Return the table of gains of diffused interests in every cell, over the base and other interests."""
    found = interest_gains(cells)
    columns = [Column("where", "text"), Column("variant", "name"), Column("over", "name")]
    columns += [Column(heading) for heading in ("NDCG@10, sampled", "p, sampled", "published")]
    columns += [Column(heading) for heading in ("NDCG@10, all items", "p, all items")]
    rows = tuple(Row(_interest_entries(one), faint=not (one.sampled.certain or one.full.certain)) for one in found)
    notes = inference_notes([gain for one in found for gain in (one.sampled, one.full)])
    if any(one.record.variants[name].unmoved for one in found for name in (one.full.variant, one.full.rival)):
        notes += (UNMOVED_SHORT,)
    return Table("Gain from diffused interests", tuple(columns), rows, notes).without_empty_columns()


def _interest_entries(one: InterestGain) -> tuple[TableEntry, ...]:
    sampled, full = one.sampled, one.full
    return (
        TableEntry(one.place),
        named(one.record, full.variant),
        named(one.record, full.rival),
        TableEntry(relative_text(sampled.relative), faint=not sampled.certain),
        TableEntry(p_text(sampled.p), faint=not sampled.certain),
        TableEntry(published=relative_text(sampled.published)),
        TableEntry(relative_text(full.relative), faint=not full.certain),
        TableEntry(p_text(full.p), faint=not full.certain),
    )


def thresholds(cell: CellRecord) -> Table:
    """Return the table of metrics of users with few anchors in their history."""
    names = list(cell.metrics.variants)
    rows = []
    for one in cell.thresholds:
        values = one.values.get("sampled/ndcg@10", {})
        figures = (TableEntry(figure_text(values[name]) if name in values else "") for name in names)
        rows.append(Row((TableEntry(f"at most {one.at_most}"), TableEntry(f"{one.users:,}"), *figures)))
    columns = (Column("known anchors", "text"), Column("users"), *(Column(f"`{name}`") for name in names))
    return Table("NDCG@10, sampled, of users who know few anchors", columns, tuple(rows))


GROUPS: Mapping[GroupName, str] = {
    "untied": "own time",
    "tied": "time of the item before",
    "title-alike": "title like one before",
    "title-new": "other titles",
}
"""Names of the groups of targets in tables."""
FEWEST = 20
"""A group of fewer users has no figures in tables, nor has its counterpart."""


def target_groups(record: RunRecord) -> Table:
    """Return the table of full NDCG@10 and Hit@10 by group of test targets, beside those of all targets."""
    few = {group.name: group.users for group in record.target_groups if group.users < FEWEST}
    unshown = {name for division in DIVISIONS for name in division if not few.keys().isdisjoint(division)}
    groups = [group for group in record.target_groups if group.name not in unshown]
    columns = [Column("variant", "name")]
    metrics = (("full/ndcg@10", "NDCG@10", 0), ("full/hit@10", "Hit@10", 5))
    for _, short, priority in metrics:
        columns.append(Column(f"{short}, all targets", priority=priority))
        columns += [Column(f"{short}, {GROUPS[group.name]}", priority=priority) for group in groups]
    rows = []
    for name, variant in record.variants.items():
        entries = [named(record, name)]
        for metric, _, _ in metrics:
            whole = variant.figure("test", metric)
            figures = [None if whole is None else whole.mean, *(one.values[metric].get(name) for one in groups)]
            entries += [TableEntry("" if figure is None else figure_text(figure)) for figure in figures]
        rows.append(Row(tuple(entries)))
    users = ", ".join(f"{GROUPS[group.name]}: {group.users:,}" for group in groups)
    too_few = ", ".join(f"{GROUPS[name]} ({users})" for name, users in few.items())
    left_out = (f"No figures where fewer than {FEWEST} users have such a target: {too_few}.",) if few else ()
    notes = (f"Full ranking. Users with a target of each kind: {users}.", *left_out, *unmoved_note(record))
    return Table("Groups of targets", tuple(columns), tuple(rows) if groups else (), notes if groups else ())


def seed_values(record: RunRecord) -> Table:
    """Return the table of NDCG@10 by seed, of the variants with several seeds."""
    rows = [
        Row(
            (
                named(record, name),
                TableEntry(metric_text(metric)),
                TableEntry(", ".join(map(figure_text, figure.values))),
            )
        )
        for name, variant in record.variants.items()
        for metric in GLANCE
        if (figure := variant.figure("test", metric)) is not None and len(figure.values) > 1
    ]
    columns = (Column("variant", "name"), Column("metric", "text"), Column("one value a seed"))
    return Table("Every seed's value", columns, tuple(rows))


def reference(published: Sequence[PublishedFigures]) -> Table:
    """Return the table of published figures on other data."""
    metrics = list(dict.fromkeys(name for one in published for figures in one.figures.values() for name in figures))
    rows = [
        Row(
            (
                TableEntry(one.place),
                TableEntry(f"`{variant}`"),
                *(TableEntry(published=figure_text(figures[name]) if name in figures else "") for name in metrics),
            )
        )
        for one in published
        for variant, figures in one.figures.items()
    ]
    columns = (Column("data", "text"), Column("variant", "name"), *(Column(name) for name in metrics))
    notes = ("999 sampled negatives, epoch chosen on the test metric. None of these figures is ours.",)
    return Table("Published, on other data", columns, tuple(rows), notes)


def costs(cost: Cost) -> Table:
    """Return the table of the cost of diffusion, ours and the paper's."""
    headings = ("items", "width", "parameters (M)", "memory (MB)", "training epoch (s)", "evaluation (s)")
    rows = [
        Row(
            (
                TableEntry(one.model),
                TableEntry(f"{one.items:,}"),
                TableEntry(f"{one.width:,}"),
                TableEntry(f"{one.parameters_m:.2f}"),
                TableEntry(f"{one.memory_mb:,.0f}"),
                TableEntry(f"{one.train_s:.2f}"),
                TableEntry(f"{one.evaluate_s:.2f}"),
            )
        )
        for one in cost.rows
    ]
    for printed in cost.published.rows:
        width = printed.items if printed.model == "TI-DiffRec" else printed.sememes
        texts = (f"{printed.items:,}", f"{width:,}", f"{printed.parameters_m:.2f}", f"{printed.gpu_mb:,.0f}")
        times = (f"{printed.train_s:.2f}", f"{printed.evaluate_s:.2f}")
        name = TableEntry(f"{printed.model} on {printed.data} (published)")
        rows.append(Row((name, *(TableEntry(text) for text in texts + times))))
    notes = (
        f"{cost.settings['users']:,} synthetic users. Memory: the peak on a GPU; weights, gradients, optimiser state "
        f"on a CPU. Published: {cost.published.title}.",
    )
    return Table("Cost", (Column("model", "text"), *map(Column, headings)), tuple(rows), notes)


def _measured(record: RunRecord, metric: str) -> bool:
    return any(variant.figure("test", metric) is not None for variant in record.variants.values())


def _best(record: RunRecord, metric: str) -> float:
    found = [variant.figure("test", metric) for variant in record.variants.values()]
    return max((figure.mean for figure in found if figure is not None), default=0.0)


def _figure(value: Spread | None, best: float, published: float | None = None) -> TableEntry:
    if value is None:
        return TableEntry()
    spread = f"± {figure_text(value.std)}" if len(value.values) > 1 else ""
    printed = "" if published is None else figure_text(published)
    return TableEntry(figure_text(value.mean), spread, printed, strong=value.mean == best)


def _printed(published: PublishedFigures | None, name: str, metric: str) -> float | None:
    """Return a figure of the paper, which used the sampled protocol."""
    protocol, metric = metric.split("/", 1)
    return published.figures.get(name, {}).get(metric) if published is not None and protocol == "sampled" else None


def _seeds(record: RunRecord, name: str) -> str:
    """Return the number of seeds of a variant; empty if all trained variants have one."""
    several = max((len(record.seeds_of(one)) for one in record.trained), default=1) > 1
    return str(len(record.seeds_of(name)) or "") if several else ""


def _kept(variant: VariantRecord) -> str:
    """Return the kept epochs of each phase: one number, or the range over seeds."""
    kept = variant.kept_epochs or ()
    phases = ([one.base for one in kept], [one.variant for one in kept])
    texts = []
    for epochs in phases:
        known = [epoch for epoch in epochs if epoch is not None]
        if known:
            texts.append(str(known[0]) if min(known) == max(known) else f"{min(known)}\N{EN DASH}{max(known)}")
    return " + ".join(texts)
