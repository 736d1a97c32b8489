"""Inspect a domain, a recipe or an artifact: sizes, anchors, overlaps, suspicious values. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from domains.domain import Domain
from domains.errors import InputError, RunError
from domains.open_domain import default_cache, open_domain
from domains.overview import DomainSummary, Suspicion, find_suspicions, summarise
from domains.preparation_report import PreparationReport
from recipes.load import load_recipe, names_recipe
from recipes.schema import Recipe
from transfer.files import read_json
from transfer.planning.dry_run import build_vocabulary
from transfer.report.run_record import RunRecord
from transfer.runs.artifact import CONFIG
from transfer.runs.plan import make_plan
from transfer.runs.source_artifact import KIND as SOURCE
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.source_places import BUNDLED, bundled_folder
from transfer.runs.target_run import TargetRun
from vocab.coverage import Coverage, Overlap, overlap
from vocab.item_texts import item_texts
from vocab.settings import DEFAULT_FIELDS, VocabularySettings
from vocab.vocabulary import SememeVocabulary

SHOWN = 15
"""Number of anchors to list, most frequent first."""


@dataclass(frozen=True, kw_only=True)
class DomainView:
    """Summary of a domain.

    Attributes:
        summary: sizes, histograms, time span.
        suspicions: findings that may be errors in the data.
        report: rows removed by the preparation; None if the domain was prepared before.
        coverage: share of items with anchors; None if there are no anchors.
        anchors: the most frequent anchors with their number of items.
    """

    summary: DomainSummary
    suspicions: tuple[Suspicion, ...]
    report: PreparationReport | None
    coverage: Coverage | None
    anchors: tuple[tuple[str, int], ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.summary.as_dict(),
            "suspicions": [asdict(suspicion) for suspicion in self.suspicions],
            "preparation": None if self.report is None else self.report.as_dict(),
            "coverage": None if self.coverage is None else self.coverage.as_dict(),
            "anchors": [list(pair) for pair in self.anchors],
        }


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Result of an inspection.

    Attributes:
        kind: ``domain``, ``recipe``, ``source`` or ``target``.
        facts: name and value of each fact, in display order.
        domains: a recipe's sources and target, or the one domain.
        overlaps: shared anchors of each pair of domains, by their names.
        anchors: the most frequent anchors of a source artifact's vocabulary.
        metrics: contents of a target run's ``metrics.json``.
    """

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    domains: tuple[DomainView, ...] = ()
    overlaps: tuple[tuple[str, str, Overlap], ...] = ()
    anchors: tuple[tuple[str, int], ...] = ()
    metrics: RunRecord | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            **self.facts,
            "domains": [view.as_dict() for view in self.domains],
            "overlaps": [{"first": a, "second": b, **both.as_dict()} for a, b, both in self.overlaps],
            "anchors": [list(pair) for pair in self.anchors],
            "metrics": None if self.metrics is None else self.metrics.as_dict(),
        }


def inspect(given: str) -> Inspection:
    """Inspect the domain, recipe or artifact that a name or path refers to.

    Args:
        given: ``bundled`` or the folder of an artifact, a recipe (file or bundled name), or a domain (``films``,
            ``movielens:ml-1m``, the folder of a saved domain).

    Raises:
        InputError: it is none of them, or cannot be read.
    """
    path = bundled_folder() if given == BUNDLED else Path(given)
    if (path / CONFIG).is_file():
        return _artifact(path)
    if names_recipe(given):
        return _recipe(given)
    parts = ("source", "target", "sources/*", "cells/*")
    if (path / "target" / CONFIG).is_file():
        return _artifact(path / "target")
    within = [str(one) for part in parts for one in sorted(path.glob(part)) if (one / CONFIG).is_file()]
    if within:
        named = " or ".join(within[:3]) + (f", or one of {len(within) - 3} more" if len(within) > 3 else "")
        raise RunError(
            "this folder holds artifacts but is not one", location=path, hint=f"Name {named}", code="run-missing"
        )
    prepared = open_domain(given, cache=default_cache())
    vocabulary, matrix = _own_anchors(prepared.domain)
    return Inspection(kind="domain", domains=(_view(prepared.domain, prepared.report, vocabulary, matrix),))


def _recipe(given: str) -> Inspection:
    """Inspect the domains of a recipe with the vocabulary it would build."""
    plan = make_plan(load_recipe(given))
    recipe, vocabulary, texts = plan.recipe, build_vocabulary(plan), plan.texts
    opened = [*plan.sources, *([plan.target] if plan.target else [])]
    matrices = {prepared.domain.name: vocabulary.encode(texts[prepared.domain.name]).matrix for prepared in opened}
    views = tuple(_view(p.domain, p.report, vocabulary, matrices[p.domain.name]) for p in opened)
    facts = {"name": recipe.name, "description": recipe.description, "anchors_of_all": len(vocabulary)}
    return Inspection(kind="recipe", facts=facts, domains=views, overlaps=_overlaps(matrices))


def _artifact(folder: Path) -> Inspection:
    """Inspect a source artifact or a target run."""
    config = read_json(folder / CONFIG)
    if isinstance(config, dict) and config.get("kind") == SOURCE:
        return _source(SourceArtifact.read(folder))
    run = TargetRun.read(folder)
    facts = {
        "variant": run.variant.label,
        "sources": [spec.name or next(iter(map(str, spec.options.values())), "") for spec in run.recipe.sources],
        **_settings(run.recipe),
        "anchors_of_all": len(run.vocabulary),
    }
    view = _view(run.domain, None, run.vocabulary, run.item_anchors)
    return Inspection(kind="target", facts=facts, domains=(view,), metrics=run.metrics)


def _source(source: SourceArtifact) -> Inspection:
    facts = {
        "sources": [asdict(note) for note in source.domains],
        "anchors_of_all": len(source.vocabulary),
        "normaliser": source.vocabulary.settings.normaliser.name,
        "hidden": None if source.s2idm is None else source.s2idm.settings.hidden,
        "steps": None if source.s2idm is None else source.s2idm.settings.steps,
        "seed": source.seed,
        "sentence_encoder": source.sentence_encoder,
        "licence": source.licence,
    }
    return Inspection(
        kind="source", facts=facts, anchors=_most_frequent(source.vocabulary, source.vocabulary.item_counts)
    )


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {"encoder_width": recipe.encoder.dim, "loss": recipe.training.loss, "seeds": list(recipe.seeds)}


def _own_anchors(domain: Domain) -> tuple[SememeVocabulary | None, csr_matrix | None]:
    """Build the vocabulary of one domain with default settings, or return None if no word becomes an anchor."""
    texts = item_texts(domain.fields, DEFAULT_FIELDS)
    try:
        vocabulary = SememeVocabulary.build({domain.name: texts}, VocabularySettings())
    except InputError:
        return None, None
    return vocabulary, vocabulary.encode(texts).matrix


def _view(
    domain: Domain, report: PreparationReport | None, vocabulary: SememeVocabulary | None, matrix: csr_matrix | None
) -> DomainView:
    coverage: Coverage | None = None
    anchors: tuple[tuple[str, int], ...] = ()
    if vocabulary is not None and matrix is not None:
        coverage = Coverage.of(matrix)
        anchors = _most_frequent(vocabulary, np.asarray((matrix > 0).sum(axis=0)).ravel())
    return DomainView(
        summary=summarise(domain),
        suspicions=tuple(find_suspicions(domain)),
        report=report,
        coverage=coverage,
        anchors=anchors,
    )


def _most_frequent(vocabulary: SememeVocabulary, counts: Any) -> tuple[tuple[str, int], ...]:
    """Return words and item counts, most frequent first, ties in the vocabulary's order."""
    order = np.argsort(-np.asarray(counts), kind="stable")[:SHOWN]
    return tuple((vocabulary.words[i], int(counts[i])) for i in order if counts[i] > 0)


def _overlaps(matrices: dict[str, csr_matrix]) -> tuple[tuple[str, str, Overlap], ...]:
    """Compare each pair of domains with anchors."""
    used: Sequence[str] = [name for name, matrix in matrices.items() if matrix.nnz]
    return tuple((a, b, overlap(matrices[a], matrices[b])) for a, b in combinations(used, 2))
