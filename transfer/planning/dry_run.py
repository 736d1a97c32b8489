"""Show what a recipe will do, without training: data, anchors, variants, and a rough cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from domains.domain import TimeKind
from domains.errors import DataError
from domains.preparation_report import PreparationReport
from domains.ties import TieCounts, count_ties
from transfer.evaluation.summary import catalogue_note
from transfer.items.settings import SEMANTIC_CHANNELS
from transfer.planning.run_time import Estimate, estimate, sizes
from transfer.runs.adapt import check_any_runs, skipped_variants
from transfer.runs.checks import check_has_anchors
from transfer.runs.plan import Plan
from transfer.runs.source_artifact import LearnedEncoder
from vocab.coverage import Coverage, Overlap, overlap
from vocab.encoder.locate import has_encoder
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, kw_only=True)
class DomainForecast:
    """A domain as used by the run.

    Attributes:
        name: name of the domain.
        role: ``source`` or ``target``.
        report: users, items and interactions after each preparation step.
        coverage: share of items with anchors, before other words are mapped.
        shared: anchors shared with the target; None for the target, or if one of them has no anchors.
        ties: the target's interactions that share a time, and the order of its ids; None for a source.
    """

    name: str
    role: str
    report: PreparationReport
    coverage: Coverage
    shared: Overlap | None
    ties: TieCounts | None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Forecast of `transfer run`.

    Attributes:
        domains: sources, then the target.
        anchors: number of anchors q.
        runs: variants that will run.
        skipped: variants that cannot run, with the reason.
        estimate: time and memory of the variants that run.
        catalogue: what a few-shot or cold-start run must say of its catalogue; empty for other runs.
    """

    domains: tuple[DomainForecast, ...]
    anchors: int
    runs: tuple[str, ...]
    skipped: dict[str, str]
    estimate: Estimate
    catalogue: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "domains": [
                {
                    "name": domain.name,
                    "role": domain.role,
                    **domain.report.as_dict(),
                    "coverage": domain.coverage.as_dict(),
                    "shared": None if domain.shared is None else domain.shared.as_dict(),
                    "ties": None if domain.ties is None else asdict(domain.ties),
                }
                for domain in self.domains
            ],
            "anchors": self.anchors,
            "runs": list(self.runs),
            "skipped": self.skipped,
            "catalogue": self.catalogue,
            "estimate": {**asdict(self.estimate), "seconds": self.estimate.seconds},
        }


def forecast(plan: Plan) -> Forecast:
    """Build the vocabulary of a plan, and forecast the run without training.

    Raises:
        InputError: `transfer run` would fail before training.
    """
    recipe, sources, target = plan.recipe, plan.sources, plan.target
    vocabulary, texts = build_vocabulary(plan), plan.texts
    opened = [(prepared, "source") for prepared in sources] + ([(target, "target")] if target else [])
    encoded = {prepared.domain.name: vocabulary.encode(texts[prepared.domain.name]) for prepared, _ in opened}
    anchors_of_target = None if target is None else encoded[target.domain.name].matrix
    no_anchor = anchors_of_target is not None and anchors_of_target.nnz == 0
    if target is not None and no_anchor and recipe.unseen is None:
        raise DataError(
            f"none of its {target.domain.n_items:,} items would have an anchor",
            location=target.domain.name,
            hint="Check its titles with transfer inspect, use sources in the same language, or keep 'unseen'",
            code="no-anchors",
        )
    domains = []
    for prepared, role in opened:
        mine = encoded[prepared.domain.name]
        if role == "source":
            check_has_anchors(prepared.domain, mine.matrix)
        compared = role == "source" and anchors_of_target is not None and not no_anchor
        shared = overlap(mine.matrix, anchors_of_target) if compared else None
        split = plan.split if role == "target" else None
        ties = None if split is None else count_ties(split.domain, split.held_out)
        domains.append(
            DomainForecast(
                name=prepared.domain.name,
                role=role,
                report=prepared.report,
                coverage=mine.coverage,
                shared=shared,
                ties=ties,
            )
        )
    skipped = _skipped(plan)
    check_any_runs(plan.variants, skipped)
    runs = tuple(variant.label for variant in plan.variants if variant.label not in skipped)
    cost = estimate(
        recipe.model_copy(update={"variants": runs}),
        [sizes(prepared.domain, recipe) for prepared in sources],
        None if target is None else sizes(target.domain, recipe),
        len(vocabulary),
        torch.get_num_threads(),
    )
    return Forecast(
        domains=tuple(domains),
        anchors=len(vocabulary),
        runs=runs,
        skipped=skipped,
        estimate=cost,
        catalogue=catalogue_note(recipe),
    )


def build_vocabulary(plan: Plan) -> SememeVocabulary:
    """Build the same vocabulary as fit-source."""
    names = [domain.name for domain in plan.source_domains]
    over = plan.texts if plan.recipe.target_titles else {name: plan.texts[name] for name in names}
    return SememeVocabulary.build(over, plan.recipe.vocabulary)


def _skipped(plan: Plan) -> dict[str, str]:
    """Return the variants that cannot run, with the reason."""
    variants, recipe, has_sources = plan.variants, plan.recipe, bool(plan.sources)
    semantic = any(SEMANTIC_CHANNELS & set(v.channels) for v in variants)
    encoder = not semantic or has_encoder(recipe.semantic)
    channels = recipe.source_encoder.channels
    source_encoder = LearnedEncoder(recipe.source_encoder.system, recipe.encoder, channels) if channels else None
    times = plan.split is None or plan.split.domain.time_kind == TimeKind.TIMESTAMP
    return skipped_variants(variants, recipe.semantic, encoder, encoder, source_encoder, has_sources, times)
