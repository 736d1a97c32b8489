"""Build the model of a variant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from recipes.schema import Recipe
from transfer.items.features import ItemFeatures
from transfer.items.tower import ItemTower
from transfer.model.conditioner import (
    Conditioner,
    InterestFusion,
    InterestsAtPositions,
    PromptGenerators,
    Unconditioned,
)
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import PromptSettings
from transfer.registry import Trained, trained_system
from transfer.variants import InterestEntry, Variant


class Unfilled(TorchFunctionMode):
    """Context in which new weights are not filled, because they are read from a file next.

    On the meta device, to fill them would import torch's compiler, which takes two seconds.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Skip the fills and call everything else."""
        fills = getattr(func, "__module__", None) == "torch.nn.init" or func in (Tensor.normal_, Tensor.uniform_)
        if not fills:
            return func(*args, **(kwargs or {}))
        return args[0] if args else (kwargs or {})["tensor"]


def assemble(variant: Variant, recipe: Recipe, features: ItemFeatures, width: int, seed: int) -> SequentialRecommender:
    """Build a new model. With the same seed, a base and its variants get the same initial items and encoder.

    Args:
        variant: the variant.
        recipe: settings of its parts.
        features: features of the target's items.
        width: width of the interests, the number of anchors q.
        seed: seed of the initialisation.
    """
    torch.manual_seed(seed)
    dim, system = recipe.encoder.dim, trained_system(variant.architecture)
    items = ItemTower(features, recipe.items.model_copy(update={"channels": variant.channels}), dim)
    encoder = system.encoder(recipe.encoder, recipe.prompts.count)
    conditioner = _conditioner(variant.entry, system, width, dim, recipe.prompts)
    return SequentialRecommender(items, encoder, conditioner, recipe.score, dim)


def _conditioner(entry: InterestEntry, system: Trained, width: int, dim: int, prompts: PromptSettings) -> Conditioner:
    match entry:
        case "prompts":
            return PromptGenerators(width, dim, prompts.count, gated=prompts.start == "neutral")
        case "positions":
            return InterestsAtPositions(width, dim)
        case "fusion":
            return InterestFusion(width, dim) if system.fusion is None else system.fusion(width, dim, prompts.count)
        case "none":
            return Unconditioned()


def start_from(model: SequentialRecommender, base: Mapping[str, Tensor]) -> None:
    """Copy a base model's weights into a variant; other weights of the variant keep their initial values."""
    missing, unexpected = model.load_state_dict(dict(base), strict=False)
    foreign = [name for name in missing if not name.startswith("conditioner.")] + list(unexpected)
    if foreign:
        raise ValueError(f"the base does not fit its variant: {', '.join(foreign)}")
