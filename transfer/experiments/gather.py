"""From the finished pieces of a cell to its part of the record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domains.domain import Domain
from recipes.published_figures import published
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
from transfer.runs.adapt import Adapted, adapt_target, pairs_to_compare
from transfer.runs.artifact import LOG
from transfer.runs.pipeline import open_sources, open_target, run_of, summarise
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime
from transfer.variants import BASELINES, parse_variant
from vocab.coverage import overlap
from vocab.text import item_texts


def gather(cell: Cell, source_folder: Path, folder: Path, runtime: Runtime) -> dict[str, Any]:
    """Metrics, comparisons, breakdowns, curves, overlap and case studies of a cell; also writes its target run.

    Args:
        cell: whose pieces are all there.
        source_folder: its source artifact.
        folder: its target run.
        runtime: where to compute.
    """
    recipe = cell.main.recipe
    source = SourceArtifact.read(source_folder)
    domain = open_target(cell.main, runtime)
    adapted = adapt_target(source, recipe, domain, folder, runtime)
    run_of(source, recipe, domain, adapted).write(folder)
    metrics = summarise(recipe, domain, adapted)
    rankings = dict(adapted.rankings)
    sampled = _sampled(adapted.rankings, recipe.evaluation.cutoffs)
    metrics["few_seeds"] = {}
    if cell.extra is not None:
        more = adapt_target(source, cell.extra.recipe, domain, folder, runtime)
        new = [name for name in more.rankings if name not in rankings]
        _add(metrics, summarise(cell.extra.recipe, domain, more), new, list(cell.extra.recipe.seeds))
        sampled += _with_any(new, _sampled(more.rankings, recipe.evaluation.cutoffs))
        rankings = {**more.rankings, **rankings}
    metrics["comparisons"] += sampled
    counts, cutoffs, bases = known_anchors(adapted), recipe.evaluation.cutoffs, _bases(rankings)
    seeds = {name: metrics["few_seeds"].get(name, metrics["seeds"]) for name in rankings}
    values, gains = user_values(rankings, METRIC, cutoffs), base_gains(rankings, seeds, bases, cutoffs)
    return {
        "key": cell.key,
        "label": cell.label,
        "protocol_name": cell.protocol,
        "recipe": recipe.name,
        "description": recipe.description,
        "sources": [note.name for note in source.domains],
        "loss": recipe.training.loss,
        "metrics": metrics,
        "published": None if cell.published is None else published(cell.published).as_dict(),
        "bases": bases,
        "breakdowns": {
            "history": grouped(values, gains, history_lengths(adapted.split)),
            "known_anchors": grouped(values, gains, counts),
        },
        "thresholds": thresholds(rankings, counts, cell.thresholds, cutoffs),
        "curves": learning_curves(folder / LOG),
        "overlap": _overlaps(cell, source, domain, adapted, runtime),
        "cases": [case.as_dict() for case in case_studies(source, adapted, runtime)],
    }


def _add(metrics: dict[str, Any], more: dict[str, Any], new: list[str], seeds: list[int]) -> None:
    """Put what only the variants with fewer seeds have beside the rest."""
    metrics["variants"] |= {name: more["variants"][name] for name in new}
    metrics["comparisons"] += _with_any(new, more["comparisons"])
    metrics["skipped"] = more["skipped"] | metrics["skipped"]
    metrics["few_seeds"] = dict.fromkeys(new, seeds)


def _with_any(new: list[str], comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The comparisons of which either side has fewer seeds; the others have been made with every seed."""
    return [entry for entry in comparisons if entry["variant"] in new or entry["baseline"] in new]


def _sampled(rankings: Mapping[str, SeedRankings], cutoffs: tuple[int, ...]) -> list[dict[str, Any]]:
    """The comparisons once more in the sampled protocol, which is the one of published figures."""
    pairs = pairs_to_compare(list(rankings))
    return [one.as_dict() for one in compare_all(pairs, rankings, "sampled/ndcg@10", cutoffs)]


def _bases(rankings: Mapping[str, SeedRankings]) -> dict[str, str]:
    """The base of every variant whose base was run too."""
    bases = {name: parse_variant(name).base.name for name in rankings if name not in BASELINES}
    return {name: base for name, base in bases.items() if base != name and base in rankings}


def _overlaps(
    cell: Cell, source: SourceArtifact, domain: Domain, adapted: Adapted, runtime: Runtime
) -> list[dict[str, Any]]:
    """Which anchors each source and the target use."""
    found = []
    for one in open_sources(cell.main, runtime):
        texts = item_texts(one.titles, one.categories, cell.main.recipe.vocabulary.source)
        shared = overlap(source.vocabulary.encode(texts).matrix, adapted.items.anchors)
        found.append({"source": one.name, "target": domain.name, **shared.as_dict()})
    return found
