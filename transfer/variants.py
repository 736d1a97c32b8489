"""`Variant`: a system and its parts, as an immutable value with a label.

`parse_variant` parses a label such as ``sasrec+title-semantic+ipe+constant``. All other code uses the value: the base
is ``variant.base``, a control is ``variant.control("constant")``, and labels with the same parts give equal variants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from domains.errors import SettingsError, suggest
from transfer.interests.settings import InterestName
from transfer.items.settings import Channel

InterestEntry = Literal["none", "prompts", "positions", "fusion"]
"""How interests enter the model: not at all (the base), as prompts (IPE), added to each item (interests up to that
item), or fused with the states (the ablation `w/ S2IDM`, or the system's own fusion)."""

TERMS: tuple[str, ...] = ("titles", "anchors", "popularity", "recent", "transitions", "together", "taste", "repeats")
"""Late terms, in the order of labels."""
MATCHING: tuple[str, ...] = ("titles", "anchors", "popularity")
"""Late terms that ``matching`` stands for."""
_GROUPS: dict[str, tuple[str, ...]] = {"terms": TERMS, "matching": MATCHING}
"""Labels of groups of late terms, the largest group first."""
_WAYS: dict[str, InterestEntry] = {"ipe": "prompts", "positions": "positions"}
_CHANNELS: tuple[Channel, ...] = get_args(Channel)
_INTERESTS: tuple[InterestName, ...] = get_args(InterestName)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A system and its parts.

    Attributes:
        architecture: name of a registered system (see `transfer.registry`).
        channels: channels of an item; none for baselines.
        from_source: whether encoder and item maps start from the source encoder.
        entry: how interests enter the model.
        interests: kind of interests; None for the base.
        terms: late terms, added to the score of the trained model; validation tunes their weights.
        default_channels: channels of the recipe, which the label omits.
    """

    architecture: str
    channels: tuple[Channel, ...] = ()
    from_source: bool = False
    entry: InterestEntry = "none"
    interests: InterestName | None = None
    terms: tuple[str, ...] = ()
    default_channels: tuple[Channel, ...] = field(default=("id",), compare=False, repr=False)

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name with the parts in a fixed order; `parse_variant` reads it back."""
        parts = [self.architecture]
        if self.channels:
            parts += [channel for channel in self.channels if channel not in self.default_channels]
            parts += ["no-id"] if "id" in self.default_channels and "id" not in self.channels else []
        parts += ["source"] if self.from_source else []
        parts += [word for word, entry in _WAYS.items() if entry == self.entry]
        parts += [] if self.interests is None else [self.interests]
        terms = _term_labels(self.terms)
        return "+".join(parts + (terms[1:] if terms[:1] == [self.architecture] else terms))

    @property
    def without_terms(self) -> Variant:
        """The same model without late terms."""
        return replace(self, terms=())

    @property
    def base(self) -> Variant:
        """The same model without interests and late terms. The variant starts from it and is compared with it."""
        return replace(self, entry="none", interests=None, terms=())

    @property
    def is_terms_alone(self) -> bool:
        """Whether late terms score alone, without any model or baseline."""
        return self.architecture in _GROUPS

    @property
    def is_serving(self) -> bool:
        """Whether it may recommend; controls with another user's interests may not."""
        return self.interests != "shuffled"

    @property
    def parts(self) -> int:
        """Number of parts. Of two equally good variants, the one with fewer parts is preferred."""
        channels = len(set(self.channels) ^ set(self.default_channels)) if self.channels else 0
        return (
            channels
            + self.from_source
            + (self.interests is not None)
            + (self.entry in _WAYS.values())
            + len(_term_labels(self.terms))
        )

    def control(self, interests: InterestName) -> Variant:
        """The same model with other interests. Constant interests cannot be fused: that control has prompts."""
        entry: InterestEntry = "prompts" if interests == "constant" and self.entry == "fusion" else self.entry
        return replace(self, entry=entry, interests=interests)


def _term_labels(terms: Sequence[str]) -> list[str]:
    """Late terms as labels, groups by their name."""
    left, labels = set(terms), []
    for label, group in _GROUPS.items():
        if left.issuperset(group):
            labels.append(label)
            left -= set(group)
    return labels + [term for term in terms if term in left]


def parse_variant(label: str, default_channels: tuple[Channel, ...] = ("id",)) -> Variant:
    """Parse a variant's label.

    The first part is a system. Then, in any order: item channels that are added to the recipe's (``anchors``,
    ``anchors-semantic``, ``title-semantic``, ``categories``); ``no-id``; ``source``; late terms (``matching`` for
    titles, anchors and popularity; ``terms`` for all; or single ones); and either ``ipe`` (prompts) or ``positions``
    (added to each item) with an optional kind of interests (default ``s2idm``), or a kind of interests alone, fused
    without prompts. ``matching`` and ``terms`` also stand alone: then nothing else scores.

    Args:
        label: for example ``sasrec+title-semantic+ipe+constant``.
        default_channels: channels of the recipe.

    Raises:
        InputError: a part is unknown, or parts contradict each other.
    """
    architecture, *parts = label.split("+")
    alone = architecture in _GROUPS
    # Beside late terms alone, `anchors` is a term; elsewhere it is a channel.
    names_channel = {part: part in _CHANNELS and not (alone and part == "anchors") for part in parts}
    _check_parts(label, architecture, parts)
    channels = list(default_channels)
    for part in parts:
        if names_channel[part] and part not in channels:
            channels.append(_CHANNELS[_CHANNELS.index(part)])
    if "no-id" in parts:
        channels = [channel for channel in channels if channel != "id"]
    if not channels:
        raise _wrong(f"variant {label!r} has no item channel", "Add a channel, or leave no-id out")
    way = next((part for part in parts if part in _WAYS), None)
    interests = next((name for name in _INTERESTS if name in parts), None if way is None else "s2idm")
    entry: InterestEntry = "none" if interests is None else "fusion" if way is None else _WAYS[way]
    if entry == "fusion" and interests == "constant":
        raise _wrong(f"variant {label!r} fuses a constant", "Write +ipe+constant")
    groups = [_GROUPS[part] for part in (architecture, *parts) if part in _GROUPS]
    terms = {part for part in parts if part in TERMS and not names_channel[part]}.union(*groups)
    return Variant(
        architecture=architecture,
        channels=tuple(channels),
        from_source="source" in parts,
        entry=entry,
        interests=interests,
        terms=tuple(term for term in TERMS if term in terms),
        default_channels=tuple(default_channels),
    )


def _check_parts(label: str, architecture: str, parts: Sequence[str]) -> None:
    """Raise if there is no system, or if a part is unknown, named twice, or one of two that exclude each other."""
    if not architecture:
        raise _wrong(f"variant {label!r} has no system", "Start with sasrec or gru4rec")
    known = (*_WAYS, "source", "no-id", *_GROUPS, *_INTERESTS, *_CHANNELS, *TERMS)
    for part in parts:
        if part not in known:
            listed = ", ".join(dict.fromkeys(known))
            raise _wrong(
                f"unknown part {part!r} in variant {label!r}",
                f"{suggest(part, known)}Parts are: {listed}; 'transfer variants' describes them",
            )
        if parts.count(part) > 1:
            raise _wrong(f"variant {label!r} names {part!r} twice", "Name it once")
    for what, names in (("lets interests enter twice", _WAYS), ("names two kinds of interests", _INTERESTS)):
        found = [part for part in parts if part in names]
        if len(found) > 1:
            raise _wrong(f"variant {label!r} {what}", f"Keep {' or '.join(found)}")


def _wrong(problem: str, hint: str) -> SettingsError:
    return SettingsError(problem, location="variants", hint=hint, code="variant")


def comparisons(variants: Sequence[Variant], is_baseline: Callable[[Variant], bool]) -> list[tuple[Variant, Variant]]:
    """Return the pairs to compare: every trained variant with its base, its controls, the first variant, and baselines.

    Variants with late terms are also compared with the same model or baseline without them; their base and controls
    have the late terms too. Variants with diffused interests are also compared with shuffled and raw interests.

    Args:
        variants: variants in the recipe's order.
        is_baseline: returns whether a variant has no encoder.
    """
    there = set(variants)
    trained = [variant for variant in variants if not is_baseline(variant)]
    baselines = [variant for variant in variants if is_baseline(variant)]
    pairs: list[tuple[Variant, Variant]] = []
    for variant in trained:
        rivals = [candidate for candidate in _controls(variant) if candidate in there]
        for rival in dict.fromkeys([*rivals, trained[0], *baselines]):
            if rival != variant and (rival, variant) not in pairs:
                pairs.append((variant, rival))
    return pairs + [(variant, rival) for variant in baselines for rival in _controls(variant) if rival in there]


def _controls(variant: Variant) -> Iterable[Variant]:
    """Return the variants to compare with, whether they were run or not."""
    if variant.terms:
        yield variant.without_terms
    if variant.interests is None:
        return
    yield replace(variant.base, terms=variant.terms)
    yield variant.control("constant")
    yield variant.control("shuffled")
    if variant.interests == "s2idm":
        yield variant.control("raw")
