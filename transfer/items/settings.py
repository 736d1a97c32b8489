"""Settings of items: which channels an item is the sum of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from domains.settings import Settings, repeated

Channel = Literal["id", "anchors", "anchors-semantic", "title-semantic", "categories"]


SEMANTIC_CHANNELS: frozenset[Channel] = frozenset({"anchors-semantic", "title-semantic"})
"""Channels that are made of sentence vectors."""
"""One way to say what an item is; an item's vector is the scaled sum of the channels that a recipe names."""


class ItemSettings(Settings):
    """What an item is made of. The paper: its ID alone."""

    channels: tuple[Channel, ...] = Field(("id",), min_length=1, description="Channels whose scaled sum is the item.")
    id_dropout: float = Field(0.0, ge=0, lt=1, description="Share of items whose ID is hidden in a training step.")

    @model_validator(mode="after")
    def _distinct(self) -> ItemSettings:
        again = repeated(self.channels)
        if again:
            raise ValueError(f"channels repeat: {again}")
        return self
