"""Turn the finished checkpoints of a cell into its part of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes.experiment_schema import published
from transfer.evaluation.summary import SeedRankings, compare_all
from transfer.experiments.breakdown import (
    METRIC,
    base_gains,
    grouped,
    history_lengths,
    known_anchors,
    thresholds,
    user_values,
)
from transfer.experiments.cases import case_studies
from transfer.experiments.curves import learning_curves
from transfer.experiments.plan import Cell
from transfer.report.experiment_record import Breakdowns, CellRecord, OverlapRecord, PublishedFigures
from transfer.report.record import Comparison, RunRecord
from transfer.runs.adapt import Adapted, adapt_target
from transfer.runs.artifact import LOG
from transfer.runs.checks import compared_labels
from transfer.runs.pipeline import run_of
from transfer.runs.plan import Plan, make_plan
from transfer.runs.results import summarise
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime
from transfer.variants import parse_variant
from vocab.coverage import overlap


def gather(cell: Cell, source_folder: Path, folder: Path, runtime: Runtime) -> CellRecord:
    """Write the target run of a cell and return its part of the record.

    Args:
        cell: the cell; all its variants and seeds are finished.
        source_folder: its source artifact.
        folder: its target run.
        runtime: device.
    """
    recipe = cell.main.recipe
    cutoffs = recipe.evaluation.cutoffs
    source = SourceArtifact.read(source_folder)
    plan = make_plan(cell.main, source, with_sources=True)
    adapted = adapt_target(plan, source, folder, runtime)
    run = run_of(plan, source, adapted)
    run.write(folder)
    metrics = run.metrics
    sampled = _sampled(adapted.rankings, cutoffs)
    rankings = dict(adapted.rankings)
    if cell.extra is not None:
        extra = make_plan(cell.extra, source)
        more = adapt_target(extra, source, folder, runtime)
        new = [name for name in more.rankings if name not in rankings]
        metrics = _with_extra(metrics, summarise(extra, more), new)
        sampled += _of_any(new, _sampled(more.rankings, cutoffs))
        rankings = {**more.rankings, **rankings}
    metrics = RunRecord(**{**dict(metrics), "comparisons": (*metrics.comparisons, *sampled)})
    bases = {name: variant.base for name, variant in metrics.variants.items() if variant.base is not None}
    seeds = {name: metrics.few_seeds.get(name, metrics.seeds) for name in rankings}
    counts = known_anchors(adapted)
    values, gains = user_values(rankings, METRIC, cutoffs), base_gains(rankings, seeds, bases, cutoffs)
    return CellRecord(
        key=cell.key,
        label=cell.label,
        protocol_name=cell.protocol,
        recipe=recipe.name,
        description=recipe.description,
        sources=tuple(note.name for note in source.domains),
        loss=recipe.training.loss,
        metrics=metrics,
        published=None if cell.published is None else PublishedFigures(**published(cell.published).as_dict()),
        breakdowns=Breakdowns(
            history=grouped(values, gains, history_lengths(adapted.split)),
            known_anchors=grouped(values, gains, counts),
        ),
        thresholds=thresholds(rankings, counts, cell.thresholds, cutoffs),
        curves=learning_curves(folder / LOG),
        overlap=_overlaps(plan, source, adapted),
        cases=tuple(case_studies(source, adapted, runtime)),
    )


def _with_extra(metrics: RunRecord, more: RunRecord, new: Sequence[str]) -> RunRecord:
    """Add the variants with fewer seeds, and their comparisons. One of them may be the base of another variant."""
    variants = {
        name: variant.model_copy(update={"base": more.variants[name].base}) if name in more.variants else variant
        for name, variant in (more.variants | metrics.variants).items()
    }
    variants = {name: variants[name] for name in (*metrics.variants, *new)}
    return RunRecord(
        **{
            **dict(metrics),
            "variants": variants,
            "comparisons": (*metrics.comparisons, *_of_any(new, more.comparisons)),
            "skipped": {**more.skipped, **metrics.skipped},
            "few_seeds": dict.fromkeys(new, more.seeds),
        }
    )


def _of_any(new: Sequence[str], comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with a variant of fewer seeds; the other comparisons used all seeds."""
    return [one for one in comparisons if one.variant in new or one.baseline in new]


def _sampled(rankings: Mapping[str, SeedRankings], cutoffs: tuple[int, ...]) -> list[Comparison]:
    """Compare in the sampled protocol too, as the published figures do."""
    return compare_all(
        compared_labels([parse_variant(name) for name in rankings]), rankings, "sampled/ndcg@10", cutoffs
    )


def _overlaps(plan: Plan, source: SourceArtifact, adapted: Adapted) -> tuple[OverlapRecord, ...]:
    """Compare the anchors of each source with those of the target."""
    found = []
    for domain in plan.source_domains:
        shared = overlap(source.vocabulary.encode(plan.texts[domain.name]).matrix, adapted.items.anchors)
        found.append(OverlapRecord(source=domain.name, target=plan.domain.name, **shared.as_dict()))
    return tuple(found)
