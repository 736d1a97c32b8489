"""Evaluate a saved target run again from its files."""

from __future__ import annotations

import math
from typing import Any

from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.summary import STAGES
from transfer.runs.plan import make_split
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime

SAME = 1e-4
"""Tolerance of figures: the order of sums may differ between machines."""


def largest_gap(run: TargetRun, found: dict[str, Any]) -> float:
    """Return the largest difference between the metrics of `reevaluate` and those in the run's `metrics.json`.

    NaN and infinity differ from every number.
    """
    product = run.metrics.product
    place = (run.metrics.seeds_of(product.variant) or (product.seed,)).index(product.seed)
    variant = run.metrics.variants[product.variant]
    said = {"validation": variant.validation, "test": variant.test}
    gaps = [
        abs(value - said[stage][protocol][name].values[place])
        for stage, protocols in found.items()
        for protocol, metrics in protocols.items()
        for name, value in metrics.items()
    ]
    return max((gap if math.isfinite(gap) else math.inf for gap in gaps), default=0.0)


def reevaluate(run: TargetRun, runtime: Runtime) -> dict[str, Any]:
    """Return the metrics of the product, by stage and protocol."""
    split = make_split(run.domain, run.recipe)
    domain = split.domain
    factory = run.interest_factory(domain, runtime.device)
    seed = run.metrics.product.seed
    views = factory.views(run.variant, split, run.recipe.prompts, seed)
    scorer = run.scorer(runtime.device)
    out: dict[str, Any] = {}
    for stage in STAGES:
        targets = targets_of(split, stage)
        scores = scorer.scores(domain, targets, views.for_stage(stage))
        ranking = rank(domain, targets, scores, run.recipe.evaluation, runtime.device)
        out[stage] = ranking.metrics(run.recipe.evaluation.cutoffs)
    return out
