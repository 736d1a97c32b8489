"""Gains of variants over the variants that they are compared with, and the verdict in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from transfer.report.experiment_record import CellRecord, ExperimentRecord, PublishedFigures, short_titles
from transfer.report.run_record import Comparison, RunRecord
from transfer.report.table_format import figure_text, p_text, relative_text

LEVEL = 0.05
"""A corrected p-value below this is significant."""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """One comparison, as tables show it.

    Attributes:
        variant: name of the variant.
        rival: name of the variant that it is compared with.
        metric: protocol and metric.
        difference: difference of the means.
        relative: the difference as a share of the rival's mean.
        low: lower end of the 95 % interval: over users and seeds if they were tested together, else over users.
        high: upper end of the interval.
        p: p-value over users and seeds, corrected for the number of comparisons in the table; None without a test.
        seeds: number of seeds.
        published: the paper's relative gain on the same metric, if it printed both figures.
    """

    variant: str
    rival: str
    metric: str
    difference: float
    relative: float | None
    low: float
    high: float
    p: float | None
    seeds: int
    published: float | None = None

    @property
    def certain(self) -> bool:
        """Whether the difference is significant; without a test, whether the interval excludes zero."""
        return self.low > 0 or self.high < 0 if self.p is None else self.p < LEVEL

    def reversed(self) -> Gain:
        """Return the gain of the rival over the variant."""
        relative = None if self.relative is None or self.relative <= -1 else -self.relative / (1 + self.relative)
        return replace(
            self,
            variant=self.rival,
            rival=self.variant,
            difference=-self.difference,
            relative=relative,
            low=-self.high,
            high=-self.low,
            published=None,
        )


def gains_of(
    record: RunRecord,
    metric: str = "full/ndcg@10",
    published: PublishedFigures | None = None,
    bases: Mapping[str, str] | None = None,
) -> list[Gain]:
    """Return the comparisons of a run on one metric, with corrected p-values.

    Only the product is compared with baselines. Variants with late terms are also compared with the terms alone.

    Args:
        record: the run.
        metric: protocol and metric.
        published: figures of a paper.
        bases: if given, compare only these variants, each with its base.
    """
    found = [one for one in record.comparisons if one.metric == metric and _shown(one, record)]
    if bases is not None:
        found = [one for one in found if bases.get(one.variant) == one.baseline]
    return corrected([_gain(one, published) for one in found])


def _shown(one: Comparison, record: RunRecord) -> bool:
    ours, theirs = (record.variants[name].parts for name in (one.variant, one.baseline))
    alone = bool(theirs.terms) and set(theirs.terms) <= set(ours.terms)
    product = record.product.variant in (one.variant, one.baseline)
    return one.baseline not in record.baselines or product or alone


def _gain(one: Comparison, published: PublishedFigures | None) -> Gain:
    tested = one.two_way
    return Gain(
        variant=one.variant,
        rival=one.baseline,
        metric=one.metric,
        difference=one.difference,
        relative=one.relative,
        low=one.low if tested is None else tested.low,
        high=one.high if tested is None else tested.high,
        p=None if tested is None else tested.p,
        seeds=one.seeds,
        published=_published_gain(one, published),
    )


def _published_gain(one: Comparison, published: PublishedFigures | None) -> float | None:
    """Return the paper's relative gain under the sampled protocol."""
    protocol, name = one.metric.split("/", 1)
    if published is None or protocol != "sampled":
        return None
    ours, theirs = (published.figures.get(variant, {}).get(name) for variant in (one.variant, one.baseline))
    return None if ours is None or theirs is None else ours / theirs - 1


def corrected(gains: Sequence[Gain]) -> list[Gain]:
    """Return the gains with p-values corrected for their number."""
    tested = [gain.p for gain in gains if gain.p is not None]
    found = iter(holm(tested))
    return [gain if gain.p is None else replace(gain, p=next(found)) for gain in gains]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the same order."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, float)[order] * np.arange(len(order), 0, -1)
    found = np.empty(len(order))
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p) for p in found]


@dataclass(frozen=True)
class InterestGain:
    """The gain from diffused interests under both protocols.

    Attributes:
        place: short title of the cell, and the entry of the interests if it is not prompts.
        sampled: gain in NDCG@10 among sampled negatives.
        full: gain in NDCG@10 over all items.
        record: record of the cell.
    """

    place: str
    sampled: Gain
    full: Gain
    record: RunRecord


_ENTERED = {"prompts": "", "positions": " · at positions"}


def interest_gains(cells: Sequence[CellRecord]) -> list[InterestGain]:
    """Return the gains of diffused interests over the base and other interests in every cell: the paper's claim.

    The p-values are corrected for the number of comparisons in all cells and both protocols.
    """
    found: list[InterestGain] = []
    for cell, title in zip(cells, short_titles(cells), strict=True):
        variants, raw = cell.metrics.variants, {}
        for one in cell.metrics.comparisons:
            ours, theirs = variants[one.variant].parts, variants[one.baseline].parts
            if ours.interests == "s2idm" and ours.without_interests() == theirs.without_interests():
                raw[one.variant, one.baseline, one.metric] = _gain(one, cell.published)
        for (variant, rival, metric), full in raw.items():
            sampled = raw.get((variant, rival, "sampled/ndcg@10"))
            if metric == "full/ndcg@10" and sampled is not None:
                way = _ENTERED.get(variants[variant].parts.entry, " · fused")
                found.append(InterestGain(title + way, sampled, full, cell.metrics))
    both = corrected([gain for one in found for gain in (one.sampled, one.full)])
    return [replace(one, sampled=both[2 * n], full=both[2 * n + 1]) for n, one in enumerate(found)]


METRIC = "full/ndcg@10"


def verdict(record: ExperimentRecord) -> str:
    """Describe the result of an experiment in one or two sentences."""
    if record.made.quick:
        return "This was a quick trial on a sample of users: it shows that everything works; the figures mean nothing."
    if not record.cells:
        return "Only costs were measured." if record.cost is not None else ""
    if len(record.cells) == 1:
        return cell_verdict(record.cells[0].metrics)
    over, others = [], Counter[str]()
    for cell in record.cells:
        name = cell.metrics.product.variant
        parts, gain = cell.metrics.variants[name].parts, _over_base(cell.metrics)
        if gain is not None and (parts.interests or parts.terms):
            over.append(gain)
        else:
            others[name] += 1
    listed = ", ".join(f"`{name}` in {count}" for name, count in others.most_common())
    if not over:
        return f"The product in {len(record.cells)} tables: {listed}."
    better = sum(gain.difference > 0 for gain in over)
    tested = [gain for gain in over if gain.p is not None]
    if tested:
        sure = sum(gain.certain and gain.difference > 0 for gain in tested)
        test = f", significantly in {sure} of the {len(tested)} with enough seeds for a test"
    else:
        test = "; none has the five seeds that a test needs"
    return (
        f"The variant that validation chose has a higher NDCG@10 over all items than its rival without interests and "
        f"late terms in {better} of {len(over)} tables{test}."
        + (f" In {others.total()} more it has neither: {listed}." if others else "")
    )


def cell_verdict(record: RunRecord) -> str:
    """Describe the result of a run in one or two sentences: the product and its gain."""
    name = record.product.variant
    chosen = f"The product is `{name}`" if record.product.beaten_by else f"Validation prefers `{name}`"
    if not record.protocol.training_users:
        chosen = f"No user trains, so nothing was validated; `{name}` is chosen by its parts"
    figure = record.variants[name].figure("test", METRIC)
    if figure is None:
        return f"{chosen}. No user was tested."
    said = f"{chosen}: NDCG@10 over all items is {figure_text(figure.mean)} on test"
    found = [gain for gain in (_over_base(record), _over_baselines(record)) if gain is not None]
    rivals = [*{gain.rival: gain for gain in found}.values()]
    said += "".join(f", {_gain_text(gain)}" for gain in rivals) + "."
    if any(gain.p is None for gain in rivals):
        few = "One seed is" if rivals[0].seeds == 1 else f"{rivals[0].seeds} seeds are"
        said += f" {few} too few for a p-value: another seed may give another order."
    return said


def _gain_text(gain: Gain) -> str:
    relative = relative_text(gain.relative) or "better"
    sure = "" if gain.p is None else f" ({'' if gain.certain else 'not '}significant, p {p_text(gain.p)})"
    over = "that of" if relative.endswith("times") else "against"
    return f"{relative} {over} `{gain.rival}`{sure}"


def _over_base(record: RunRecord) -> Gain | None:
    """Return the product's gain over its base, or over the first trained variant if the product is a base."""
    product = record.product.variant
    rival = record.variants[product].base or next(iter(record.trained), None)
    return _gain_over(record, product, rival)


def _over_baselines(record: RunRecord) -> Gain | None:
    """Return the product's gain over the baseline with the highest metric."""
    product, figures = record.product.variant, {}
    for name in record.baselines:
        figure = record.variants[name].figure("test", METRIC)
        if figure is not None and name != product:
            figures[name] = figure.mean
    best = max(figures, key=figures.__getitem__, default=None)
    return _gain_over(record, product, best)


def _gain_over(record: RunRecord, product: str, rival: str | None) -> Gain | None:
    """Return the product's gain over a rival, in either order of the record's comparison."""
    for one in gains_of(record, METRIC):
        if (one.variant, one.rival) == (product, rival):
            return one
        if (one.variant, one.rival) == (rival, product):
            return one.reversed()
    return None


def cell_facts(cell: CellRecord) -> list[str]:
    """Describe data, protocol and settings of a cell, and exceptions among its variants."""
    record = cell.metrics
    protocol = record.protocol
    domains = f"{' + '.join(cell.sources)} → {record.domain}" if cell.sources else record.domain
    facts = [
        f"{domains}: {record.users:,} users, {record.items:,} items, "
        f"{record.interactions:,} interactions, {protocol.test_users:,} of the users tested; "
        f"{record.coverage.share:.0%} of the items have an anchor.",
        f"Loss {cell.loss}; {protocol.split}; selection by {protocol.selection}; prompts see {protocol.prompts_see}; "
        f"repeats {protocol.repeats}; k-core and catalogue {protocol.catalogue}; "
        f"full ranking over {protocol.full}; sampled: {protocol.sampled}; "
        f"seeds {', '.join(map(str, record.seeds))}"
        + (f"; {record.threads} CPU thread{'s' if record.threads > 1 else ''}." if record.threads else "."),
    ]
    if protocol.order is not None:
        facts.append(f"Order: {protocol.order}.")
    if any(len(seeds) < len(record.seeds) for seeds in record.few_seeds.values()):
        facts.append("Comparisons of variants with fewer seeds use the seeds that both variants have.")
    if record.few_seeds:
        facts.append("The product is chosen among the variants with all seeds.")
    if record.skipped:
        facts.append("Skipped: " + "; ".join(f"`{name}` ({reason})" for name, reason in record.skipped.items()) + ".")
    return facts


def published_note(cell: CellRecord) -> str:
    """Describe the source of the published figures and how its protocol differs; empty without published figures."""
    if cell.published is None:
        return ""
    return f"Published figures: {cell.published.source}. What differs: {'; '.join(cell.published.differs)}."
