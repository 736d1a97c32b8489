"""A rough estimate of a run's time and memory, from sizes alone. Good for minutes or hours, GiB or tens of GiB.

Time counts floating-point operations and divides by what cores of the years around 2020 sustain: large matrix products
(S2IDM, scoring all items) `LARGE` a core and second, the small ones of a narrow encoder `SMALL`. Training is taken to
use every epoch that it is allowed; stopping early makes it less. A step has a fixed cost, `STEP` seconds, which rules
when batches are few and small.

Memory adds what is held at the same time: the program, the data, S2IDM with its optimiser, the target's hidden
interests, the largest model with its optimiser, and the working space of a batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from recipes.schema import Recipe
from transfer.diffusion.settings import S2IDMSettings
from transfer.runs.checks import is_baseline, needs_s2idm, variants_of
from transfer.variants import Variant

LARGE = 20e9
"""Floating-point operations a core and second in products of large matrices."""
SMALL = 12e9
"""The same in an encoder of width 64."""
STEP = 0.01
"""Seconds of a training step beside its arithmetic."""
TITLES = 20_000
"""Titles a second that become sememes and are counted."""
PROGRAM = 700 << 20
"""Bytes of the interpreter with its libraries."""
PER_INTERACTION = 100
"""Bytes of an interaction while a domain is prepared: strings, dictionary codes, sort keys."""
PER_ITEM = 400
"""Bytes of an item: id, title, categories, and its sememes."""
ADAM = 16
"""Bytes a parameter: value, gradient and two moments in float32."""


@dataclass(frozen=True)
class Sizes:
    """What an estimate needs of a domain.

    Attributes:
        users: U.
        items: I.
        interactions: N.
        tokens: interactions that an encoder sees, no more than its length from each user.
    """

    users: int
    items: int
    interactions: int
    tokens: int


@dataclass(frozen=True)
class Estimate:
    """At most, roughly.

    Attributes:
        source_seconds: vocabulary and S2IDM.
        variant_seconds: of each variant with all its seeds, its base included where no variant before it had it.
        memory_bytes: peak.
    """

    source_seconds: float
    variant_seconds: dict[str, float]
    memory_bytes: int

    @property
    def seconds(self) -> float:
        """Everything, one after the other."""
        return self.source_seconds + sum(self.variant_seconds.values())


def estimate(recipe: Recipe, sources: list[Sizes], target: Sizes | None, anchors: int, cores: int) -> Estimate:
    """Estimate a recipe.

    Args:
        recipe: epochs, widths, variants, seeds.
        sources: one entry a domain.
        target: None where only the sources are fitted.
        anchors: q.
        cores: that compute at the same time.
    """
    titles = sum(domain.items for domain in (*sources, *([target] if target else [])))
    diffuses = target is None or any(needs_s2idm(variant) for variant in variants_of(recipe))
    source_seconds = titles / TITLES
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
    # Query, key, value, output and two feed-forward layers of d * d, and attention over what precedes.
    per_token = recipe.encoder.blocks * (12 * dim**2 + 4 * dim * target.tokens / max(target.users, 1))
    forward = (target.tokens + prompts) * per_token / (SMALL * cores)
    ranking = 2 * target.users * target.items * dim / (LARGE * cores)
    steps = math.ceil(target.users / training.batch_size)
    shared = training.loss in {"sampled_softmax", "softmax"}
    rivals = min(training.drawn if training.loss == "sampled_softmax" else target.items, target.items) if shared else 1
    loss = 6 * target.tokens * rivals * dim / (LARGE * cores)
    epoch = (3 * forward + loss) * recipe.shots + steps * STEP + forward + ranking
    seconds: dict[str, float] = {}
    bases: set[Variant] = set()
    for variant in variants_of(recipe):
        if is_baseline(variant):
            seconds[variant.label] = 2 * ranking
            continue
        phase = 0 if training.keeps_base and variant.entry == "none" else training.epochs
        epochs = phase + (0 if variant.base in bases else training.base_epochs)
        bases.add(variant.base)
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
        working = (recipe.evaluation.memory_mb + recipe.training.logits_memory_mb) << 20
        adapting = s2idm * 4 + model * ADAM + hidden + working
    return PROGRAM + held + max(largest * PER_INTERACTION, fitting, adapting)
