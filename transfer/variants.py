"""Names of variants and what they mean: `sasrec`, `sasrec+ipe+s2idm`, `sasrec+title-semantic+ipe+constant`, ..."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from domains.errors import InputError
from recipes.settings import Channel, InterestName

Entry = Literal["none", "prompts", "positions", "memory", "late", "fusion"]
"""How interests enter: not at all (the base), as prompts (IPE), added to each item as they were by then, as slots that
states attend to, as a late term of the score, or fused by a network (the ablation `w/ S2IDM`)."""
WAYS = ("ipe", "positions", "memory", "late")
"""Parts of a name that say how interests enter; without one, they are fused."""

BASELINES = (
    "popular",
    "transitions",
    "item-knn",
    "ease",
    "anchor-matching",
    "matching",
    "s2idm-matching",
    "t-diffrec",
    "ti-diffrec",
)
"""Variants without a sequential encoder, made once whatever the seeds. Some count the target's training interactions,
diffusion over items trains on them. Each is known to `transfer.systems.registry`."""

_CHANNELS: tuple[Channel, ...] = get_args(Channel)
_INTERESTS: tuple[InterestName, ...] = get_args(InterestName)


@dataclass(frozen=True)
class Variant:
    """A trained model as a combination of parts.

    Attributes:
        name: as written in the recipe, and the key in `metrics.json`.
        encoder: registered encoder.
        channels: what an item is.
        entry: how interests enter.
        interests: which interests; None for the base.
        from_source: whether encoder and item maps start from the source artifact's.
        matching: whether matching by anchors and titles joins the score, with weights that validation finds.
    """

    name: str
    encoder: str
    channels: tuple[Channel, ...]
    entry: Entry
    interests: InterestName | None
    from_source: bool
    matching: bool = False

    @property
    def unmatched(self) -> Variant:
        """The same model without matching, which joins a finished one."""
        name = "+".join(part for part in self.name.split("+") if part != "matching")
        return replace(self, name=name, matching=False)

    @property
    def serves(self) -> bool:
        """Whether it may recommend: another user's interests, a control, serve nobody."""
        return self.interests != "shuffled"

    @property
    def base(self) -> Variant:
        """The same model without interests and matching: what it starts from, and what it is compared with."""
        return replace(self, name=base_name(self.name), entry="none", interests=None, matching=False)


def base_name(name: str) -> str:
    """The name of a variant's base: the same parts without those about interests and matching."""
    return "+".join(part for part in name.split("+") if part not in {*WAYS, "matching", *_INTERESTS})


def parse_variant(name: str, default_channels: tuple[Channel, ...] = ("id",)) -> Variant:
    """Read a variant's name.

    The first part is the encoder. Then, in any order: item channels that are added to the recipe's (``anchors``,
    ``anchors-semantic``, ``title-semantic``, ``categories``); ``no-id``; ``source``; ``matching``; and either ``ipe``
    (prompts), ``positions`` (added to each item), ``memory`` (attended) or ``late`` (a term of the score), with an
    optional kind of interests (default ``s2idm``), or a kind of interests alone, fused without prompts.

    Args:
        name: for example ``sasrec+title-semantic+ipe+constant``.
        default_channels: what an item is where the name does not say.

    Raises:
        InputError: for a part that means nothing, or parts that contradict each other.
    """
    encoder, *parts = name.split("+")
    channels: list[Channel] = list(default_channels)
    interests: InterestName | None = None
    way = ""
    source = no_id = matching = False
    for part in parts:
        if part in WAYS:
            if way:
                raise InputError(
                    f"variant {name!r} lets interests enter twice", location="variants", hint=f"Keep {way} or {part}"
                )
            way = part
        elif part == "source" and not source:
            source = True
        elif part == "no-id" and not no_id:
            no_id = True
        elif part == "matching" and not matching:
            matching = True
        elif part in _INTERESTS and interests is None:
            interests = _INTERESTS[_INTERESTS.index(part)]
        elif part in _CHANNELS:
            channel = _CHANNELS[_CHANNELS.index(part)]
            if channel not in channels:
                channels.append(channel)
        else:
            known = ", ".join((*WAYS, "source", "no-id", "matching", *_INTERESTS, *_CHANNELS))
            raise InputError(
                f"{part!r} has no meaning in variant {name!r}", location="variants", hint=f"Parts are: {known}"
            )
    if no_id:
        channels = [channel for channel in channels if channel != "id"]
        if not channels:
            raise InputError(f"variant {name!r} leaves an item without any channel", location="variants")
    if not encoder:
        raise InputError(f"variant {name!r} names no encoder", location="variants", hint="Begin with sasrec or gru4rec")
    if way and interests is None:
        interests = "s2idm"
    entries: dict[str, Entry] = {
        "ipe": "prompts",
        "positions": "positions",
        "memory": "memory",
        "late": "late",
        "": "fusion",
    }
    entry: Entry = "none" if interests is None else entries[way]
    if entry == "fusion" and interests == "constant":
        raise InputError(f"variant {name!r} fuses a constant", location="variants", hint="Write +ipe+constant")
    return Variant(name, encoder, tuple(channels), entry, interests, source, matching)
