"""Estimate how long a run takes and how much memory it needs, and plan its steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from domains.domain import Domain
from recipes.schema import Recipe
from transfer.diffusion.settings import S2IDMSettings
from transfer.evaluation.settings import SCORES_MB
from transfer.progress import RESULTS, S2IDM, SOURCE_ENCODER, TITLES, VOCABULARY, PlannedStep, step_name
from transfer.runs.checks import is_baseline, needs_s2idm, variants_of
from transfer.runs.plan import Plan
from transfer.training.settings import LOGITS_MB
from transfer.variants import Variant

LARGE = 20e9
"""Floating-point operations per core and second in products of large matrices."""
SMALL = 12e9
"""The same in an encoder of width 64."""
STEP = 0.01
"""Fixed seconds per training step."""
TITLES_A_SECOND = 20_000
"""Titles per second that are turned into sememes and counted."""
PROGRAM = 700 << 20
"""Bytes of the interpreter and its libraries."""
PER_INTERACTION = 100
"""Bytes per interaction while a domain is prepared: strings, dictionary codes, sort keys."""
PER_ITEM = 400
"""Bytes per item: id, title, categories, sememes."""
ADAM = 16
"""Bytes per parameter: value, gradient and two moments in float32."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a domain.

    Attributes:
        users: U.
        items: I.
        interactions: N.
        tokens: interactions that the encoder sees, limited to its maximum length per user.
    """

    users: int
    items: int
    interactions: int
    tokens: int


@dataclass(frozen=True)
class Estimate:
    """Rough upper bounds.

    Attributes:
        source_seconds: time for vocabulary and S2IDM.
        variant_seconds: time per variant, with all seeds, and with what it shares (its base, and the model that its
            late terms are added to) unless an earlier variant includes it.
        memory_bytes: peak memory.
    """

    source_seconds: float
    variant_seconds: dict[str, float]
    memory_bytes: int

    @property
    def seconds(self) -> float:
        """Total time, one step after the other."""
        return self.source_seconds + sum(self.variant_seconds.values())


def estimate(recipe: Recipe, sources: list[Sizes], target: Sizes | None, anchors: int, cores: int) -> Estimate:
    """Estimate time and memory of a recipe.

    Args:
        recipe: epochs, widths, variants, seeds.
        sources: sizes of each source.
        target: sizes of the target, or None if only the sources are fitted.
        anchors: number of anchors q.
        cores: number of cores.
    """
    titles = sum(domain.items for domain in (*sources, *([target] if target else [])))
    diffuses = target is None or any(needs_s2idm(variant) for variant in variants_of(recipe))
    source_seconds = titles / TITLES_A_SECOND
    if sources and diffuses:
        source_seconds += _s2idm_seconds(recipe.s2idm, sources, anchors, cores)
    variants = {} if target is None else _variant_seconds(recipe, target, cores)
    return Estimate(source_seconds, variants, _memory(recipe, sources, target, anchors))


def _s2idm_seconds(settings: S2IDMSettings, sources: list[Sizes], anchors: int, cores: int) -> float:
    users = sum(domain.users for domain in sources)
    # Forward and backward of the wide output layer, and the weight gradient of the sparse input layer.
    flops = users * 8 * anchors * settings.hidden
    steps = math.ceil(users / settings.batch_size)
    return settings.epochs * (flops / (LARGE * cores) + steps * STEP)


def _variant_seconds(recipe: Recipe, target: Sizes, cores: int) -> dict[str, float]:
    dim, training = recipe.encoder.dim, recipe.training
    prompts = target.users * recipe.prompts.count
    # Query, key, value, output and two feed-forward layers of d * d, and attention to earlier positions.
    per_token = recipe.encoder.blocks * (12 * dim**2 + 4 * dim * target.tokens / max(target.users, 1))
    forward = (target.tokens + prompts) * per_token / (SMALL * cores)
    ranking = 2 * target.users * target.items * dim / (LARGE * cores)
    steps = math.ceil(target.users / training.batch_size)
    rivals = target.items if training.loss == "softmax" else min(training.drawn, target.items)
    loss = 6 * target.tokens * rivals * dim / (LARGE * cores)
    epoch = (3 * forward + loss) * recipe.shots + steps * STEP + forward + ranking
    seconds: dict[str, float] = {}
    bases, models = set[Variant](), set[Variant]()
    for variant in variants_of(recipe):
        if is_baseline(variant):
            seconds[variant.label] = 2 * ranking
            continue
        only_base = training.keeps_base and variant.entry == "none"
        phase = 0 if only_base or variant.without_terms in models else training.epochs
        epochs = phase + (0 if variant.base in bases else training.base_epochs)
        bases.add(variant.base)
        models.add(variant.without_terms)
        seconds[variant.label] = len(recipe.seeds) * epochs * epoch
    return seconds


def _memory(recipe: Recipe, sources: list[Sizes], target: Sizes | None, anchors: int) -> int:
    domains = [*sources, *([target] if target else [])]
    largest = max(domain.interactions for domain in domains)
    held = sum(domain.interactions * 16 + domain.items * PER_ITEM for domain in domains)
    s2idm = 2 * anchors * recipe.s2idm.hidden
    batch = 6 * recipe.s2idm.batch_size * anchors * 4
    fitting = s2idm * ADAM + batch
    adapting = 0
    if target is not None:
        model = target.items * recipe.encoder.dim + recipe.prompts.count * recipe.encoder.dim * anchors
        hidden = 3 * target.users * recipe.s2idm.hidden * 4
        working = (SCORES_MB + LOGITS_MB) << 20
        adapting = s2idm * 4 + model * ADAM + hidden + working
    return PROGRAM + held + max(largest * PER_INTERACTION, fitting, adapting)


def sizes(domain: Domain, recipe: Recipe) -> Sizes:
    """Return the sizes of a domain that an estimate needs."""
    seen = int(np.minimum(domain.lengths, recipe.encoder.max_length).sum())
    return Sizes(domain.n_users, domain.n_items, domain.n_interactions, seen)


ANCHORS = 1000
"""Anchors of a vocabulary that is not built yet."""
EMBEDDED_A_SECOND = 100
"""Titles a second that a sentence encoder reads."""
LEAST = 2.0
"""Seconds of a step that reads, ranks or writes little."""


def source_steps(plan: Plan, with_s2idm: bool) -> list[PlannedStep]:
    """Return the steps of fitting the sources."""
    items = sum(domain.n_items for domain in plan.source_domains)
    found = [PlannedStep(VOCABULARY, LEAST + items / TITLES_A_SECOND, VOCABULARY)]
    if plan.sources and with_s2idm:
        alone = plan.recipe.model_copy(update={"target": None})
        cost = estimate(alone, [sizes(domain, alone) for domain in plan.source_domains], None, ANCHORS, _cores())
        found.append(PlannedStep(S2IDM, LEAST + cost.source_seconds, S2IDM))
    if plan.sources and plan.recipe.source_encoder.channels:
        one = plan.recipe.model_copy(update={"variants": ("sasrec",), "seeds": plan.recipe.seeds[:1]})
        costs = [estimate(one, [], sizes(domain, one), ANCHORS, _cores()) for domain in plan.source_domains]
        seconds = sum(sum(cost.variant_seconds.values()) for cost in costs)
        found.append(PlannedStep(SOURCE_ENCODER, LEAST + seconds, "training"))
    return found


def target_steps(plan: Plan) -> list[PlannedStep]:
    """Return the steps of adapting to the target: its texts, every variant and seed, the results."""
    recipe, domain = plan.recipe, plan.domain
    cost = estimate(recipe, [], sizes(domain, recipe), ANCHORS, _cores()).variant_seconds
    found = [PlannedStep(TITLES, LEAST + domain.n_items / EMBEDDED_A_SECOND, TITLES)]
    for variant in plan.variants:
        seeds: tuple[int | None, ...] = (None,) if is_baseline(variant) else recipe.seeds
        seconds = cost[variant.label] / len(seeds)
        # Late terms on a finished model, and baselines, only search and rank.
        kind = "training" if seconds and not is_baseline(variant) else "ranking"
        found += [PlannedStep(step_name(variant.label, seed), LEAST + seconds, kind) for seed in seeds]
    return [*found, PlannedStep(RESULTS, LEAST, RESULTS)]


def _cores() -> int:
    return torch.get_num_threads()
