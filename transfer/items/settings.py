"""Settings of item vectors: the channels that are added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from domains.settings import Settings, repeated

Channel = Literal["id", "anchors", "anchors-semantic", "title-semantic", "categories"]


SEMANTIC_CHANNELS: frozenset[Channel] = frozenset({"anchors-semantic", "title-semantic"})
"""Channels that need sentence vectors."""


class ItemSettings(Settings):
    """Channels of an item's vector. The paper uses the ID only."""

    fixed: ClassVar[Mapping[str, object]] = {"id_dropout": 0.0}

    channels: tuple[Channel, ...] = Field(
        ("id",), min_length=1, description="Channels whose scaled sum is the item's vector."
    )

    @model_validator(mode="after")
    def _distinct(self) -> ItemSettings:
        again = repeated(self.channels)
        if again:
            raise ValueError(f"channels repeat: {again}")
        return self
