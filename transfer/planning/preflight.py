"""What can be refused in a second, before hours of work: variants that mean nothing, encoders that are not there."""

from __future__ import annotations

from domains.errors import InputError
from recipes.schema import Recipe
from transfer.encoders.base import make_encoder
from transfer.model.variants import BASELINES, Variant, parse_variant


def trained_variants(recipe: Recipe) -> list[Variant]:
    """The variants of a recipe that are trained, in its order.

    Raises:
        InputError: a name means nothing, its encoder is not installed, or only baselines are named.
    """
    variants = [parse_variant(name, recipe.items.channels) for name in recipe.variants if name not in BASELINES]
    if not variants:
        raise InputError("only baselines are named, and nothing is trained", place="variants", mend="Add sasrec")
    for name in dict.fromkeys(variant.encoder for variant in variants):
        make_encoder(recipe.encoder.model_copy(update={"name": name}), recipe.prompts.count)
    return variants
