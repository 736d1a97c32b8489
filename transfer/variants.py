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

TERMS: tuple[str, ...] = ("titles", "anchors", "popularity", "transitions", "together", "taste", "repeats")
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
    architecture, *rest = label.split("+")
    if not architecture:
        raise SettingsError(
            f"variant {label!r} has no system", location="variants", hint="Start with sasrec or gru4rec", code="variant"
        )
    alone = architecture in _GROUPS
    channels: list[Channel] = list(default_channels)
    interests: InterestName | None = None
    way = ""
    source = no_id = False
    terms: set[str] = set(_GROUPS[architecture]) if alone else set()
    named: list[str] = []
    for part in rest:
        if part in named and part not in _WAYS:
            raise SettingsError(
                f"variant {label!r} names {part!r} twice", location="variants", hint="Name it once", code="variant"
            )
        named.append(part)
        if part in _WAYS:
            if way:
                raise SettingsError(
                    f"variant {label!r} lets interests enter twice",
                    location="variants",
                    hint=f"Keep {way} or {part}",
                    code="variant",
                )
            way = part
        elif part == "source":
            source = True
        elif part == "no-id":
            no_id = True
        elif part in _GROUPS:
            terms |= set(_GROUPS[part])
        elif part in _INTERESTS and interests is None:
            interests = _INTERESTS[_INTERESTS.index(part)]
        elif part in _CHANNELS and not (part == "anchors" and alone):
            channel = _CHANNELS[_CHANNELS.index(part)]
            if channel not in channels:
                channels.append(channel)
        elif part in TERMS:
            terms.add(part)
        else:
            known = (*_WAYS, "source", "no-id", *_GROUPS, *_INTERESTS, *_CHANNELS, *TERMS)
            raise SettingsError(
                f"unknown part {part!r} in variant {label!r}",
                location="variants",
                hint=f"{suggest(part, known)}Parts are: {', '.join(dict.fromkeys(known))}; "
                "'transfer variants' describes them",
                code="variant",
            )
    if no_id:
        channels = [channel for channel in channels if channel != "id"]
        if not channels:
            raise SettingsError(f"variant {label!r} has no item channel", location="variants", code="variant")
    if way and interests is None:
        interests = "s2idm"
    entry: InterestEntry = "none" if interests is None else _WAYS.get(way, "fusion")
    if entry == "fusion" and interests == "constant":
        raise SettingsError(
            f"variant {label!r} fuses a constant", location="variants", hint="Write +ipe+constant", code="variant"
        )
    ordered = tuple(term for term in TERMS if term in terms)
    return Variant(
        architecture=architecture,
        channels=tuple(channels),
        from_source=source,
        entry=entry,
        interests=interests,
        terms=ordered,
        default_channels=tuple(default_channels),
    )


def comparisons(variants: Sequence[Variant], is_baseline: Callable[[Variant], bool]) -> list[tuple[Variant, Variant]]:
    """Return the pairs to compare: every trained variant with its base, its controls, the first variant, and baselines.

    Variants with late terms are also compared with the same model without them; their base and controls have the late
    terms too. Variants with diffused interests are also compared with shuffled and raw interests.

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
    return pairs


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
