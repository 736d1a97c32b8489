"""Putting a variant's parts together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from recipes.schema import Recipe
from recipes.settings import PromptSettings
from transfer.encoders.encoder import make_encoder
from transfer.items.tower import ItemFeatures, ItemTower
from transfer.model.conditioner import Conditioner, Unconditioned
from transfer.model.entries import (
    InterestFusion,
    InterestMemory,
    InterestsAtPositions,
    InterestsInScore,
)
from transfer.model.prompts import PromptGenerators
from transfer.model.recommender import SequentialRecommender
from transfer.variants import Entry, Variant


def assemble(
    variant: Variant,
    recipe: Recipe,
    features: ItemFeatures,
    width: int,
    seed: int,
    semantic_scale: float | None = None,
) -> SequentialRecommender:
    """A freshly initialised model; the same seed gives a base and its variants the same items and encoder.

    Args:
        variant: which parts.
        recipe: their settings.
        features: of the target's items.
        width: of interests as prompts read them.
        seed: of the initialisation.
        semantic_scale: length of semantic vectors; None for the first that the recipe names.
    """
    torch.manual_seed(seed)
    dim = recipe.encoder.dim
    items = ItemTower(features, recipe.items.model_copy(update={"channels": variant.channels}), dim, semantic_scale)
    encoder = make_encoder(recipe.encoder.model_copy(update={"name": variant.encoder}), recipe.prompts.count)
    conditioner = _conditioner(variant.entry, width, dim, recipe.prompts)
    return SequentialRecommender(items, encoder, conditioner, recipe.score, dim)


def _conditioner(entry: Entry, width: int, dim: int, prompts: PromptSettings) -> Conditioner:
    match entry:
        case "prompts":
            return PromptGenerators(width, dim, prompts.count, gated=prompts.start == "neutral")
        case "positions":
            return InterestsAtPositions(width, dim)
        case "memory":
            return InterestMemory(width, dim, prompts.count)
        case "late":
            return InterestsInScore(width, dim)
        case "fusion":
            return InterestFusion(width, dim)
        case "none":
            return Unconditioned()


def start_from(model: SequentialRecommender, base: Mapping[str, Tensor]) -> None:
    """Load a base model's items and encoder into a variant of it; what the base lacks keeps its initialisation."""
    missing, unexpected = model.load_state_dict(dict(base), strict=False)
    foreign = [name for name in missing if not name.startswith("conditioner.")] + list(unexpected)
    if foreign:
        raise ValueError(f"the base does not fit its variant: {', '.join(foreign)}")
