"""Evaluate a saved target run again from its files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domains.errors import RunError
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.summary import STAGES, validation_score
from transfer.runs.plan import make_split
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.terms.recent_items import RecentItems

SAME = 1e-4
"""Tolerance of figures: the order of sums may differ between machines."""


def largest_gap(run: TargetRun, found: dict[str, Any]) -> float:
    """Return the largest difference between results of `reevaluate` and those in the run's `metrics.json`.

    A number that is missing or not finite differs from every other. That stored means and deviations agree with the
    stored values is checked when `metrics.json` is read.
    """
    product = run.metrics.product
    place = (run.metrics.seeds_of(product.variant) or (product.seed,)).index(product.seed)
    record = run.metrics.variants[product.variant]
    stored = _flat({"validation": record.validation, "test": record.test, SELECTION: record.selection})
    ours = _flat(found)
    gaps = [
        abs(ours[key] - stored[key].values[place]) if key in ours and key in stored else math.inf
        for key in ours.keys() | stored.keys()
    ]
    return max((gap if math.isfinite(gap) else math.inf for gap in gaps), default=0.0)


def _flat(tree: Mapping[str, Any], before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return the leaves of nested mappings by their keys."""
    found: dict[tuple[str, ...], Any] = {}
    for name, inner in tree.items():
        key = (*before, name)
        found |= _flat(inner, key) if isinstance(inner, Mapping) else {key: inner}
    return found


SELECTION = "selection"
"""Key of the selection metric on validation, beside the stages."""


def reevaluate(run: TargetRun, runtime: Runtime) -> dict[str, Any]:
    """Return metrics of the product model by stage and protocol, and the selection metric.

    Raises:
        InputError: the run is a copy without users.
    """
    if not run.domain.n_users:
        raise RunError(
            "this copy holds no users, so nothing can be evaluated",
            location=run.folder,
            hint="Evaluate the run that it was made from",
            code="run-without-users",
        )
    split = make_split(run.domain, run.recipe)
    domain = split.domain
    factory = run.interest_factory(domain, runtime.device)
    seed = run.metrics.product.seed
    views = factory.views(run.variant, split, run.recipe.prompts, seed)
    scorer = run.scorer(runtime.device)
    if scorer.weights.recent:  # the run keeps the levels of now alone
        recent = RecentItems.of(split, run.features.known)
        scorer = replace(scorer, known=replace(scorer.known, recent=recent))
    out: dict[str, Any] = {}
    for stage in STAGES:
        targets = targets_of(split, stage)
        scores = scorer.scores(domain, targets, views.for_stage(stage))
        ranking = rank(domain, targets, scores, run.recipe.evaluation, runtime.device)
        cutoffs = run.recipe.evaluation.cutoffs
        out[stage] = ranking.metrics(cutoffs)
        if stage == "validation":
            out[SELECTION] = validation_score(ranking, split.training_users, run.recipe.training.metric, cutoffs)
    return out
