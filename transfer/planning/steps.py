"""The steps of a command with a rough time for each, known before anything is computed."""

from __future__ import annotations

import torch

from transfer.planning.estimate import TITLES as READ_A_SECOND
from transfer.planning.estimate import estimate
from transfer.planning.forecast import sizes
from transfer.runs.checks import is_baseline
from transfer.runs.plan import Plan
from transfer.steps import RESULTS, S2IDM, SOURCE_ENCODER, TITLES, VOCABULARY, Step, of_piece

ANCHORS = 1000
"""Anchors of a vocabulary that is not built yet."""
EMBEDDED_A_SECOND = 100
"""Titles a second that a sentence encoder reads."""
LEAST = 2.0
"""Seconds of a step that reads, ranks or writes little."""


def source_steps(plan: Plan, with_s2idm: bool) -> list[Step]:
    """Return the steps of fitting the sources."""
    items = sum(domain.n_items for domain in plan.source_domains)
    found = [Step(VOCABULARY, LEAST + items / READ_A_SECOND, VOCABULARY)]
    if plan.sources and with_s2idm:
        alone = plan.recipe.model_copy(update={"target": None})
        cost = estimate(alone, [sizes(domain, alone) for domain in plan.source_domains], None, ANCHORS, _cores())
        found.append(Step(S2IDM, LEAST + cost.source_seconds, S2IDM))
    if plan.sources and plan.recipe.source_encoder.channels:
        one = plan.recipe.model_copy(update={"variants": ("sasrec",), "seeds": plan.recipe.seeds[:1]})
        costs = [estimate(one, [], sizes(domain, one), ANCHORS, _cores()) for domain in plan.source_domains]
        seconds = sum(sum(cost.variant_seconds.values()) for cost in costs)
        found.append(Step(SOURCE_ENCODER, LEAST + seconds, "training"))
    return found


def target_steps(plan: Plan) -> list[Step]:
    """Return the steps of adapting to the target: its texts, every variant and seed, the results."""
    recipe, domain = plan.recipe, plan.domain
    cost = estimate(recipe, [], sizes(domain, recipe), ANCHORS, _cores()).variant_seconds
    found = [Step(TITLES, LEAST + domain.n_items / EMBEDDED_A_SECOND, TITLES)]
    for variant in plan.variants:
        seeds: tuple[int | None, ...] = (None,) if is_baseline(variant) else recipe.seeds
        seconds = cost[variant.label] / len(seeds)
        # What joins a finished model with late terms, and what is only counted, searches and ranks.
        kind = "training" if seconds and not is_baseline(variant) else "ranking"
        found += [Step(of_piece(variant.label, seed), LEAST + seconds, kind) for seed in seeds]
    return [*found, Step(RESULTS, LEAST, RESULTS)]


def _cores() -> int:
    return torch.get_num_threads()
