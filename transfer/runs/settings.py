"""Settings of the encoder that a source artifact carries."""

from __future__ import annotations

from pydantic import Field, model_validator

from domains.settings import Settings
from transfer.items.settings import Channel


class SourceEncoderSettings(Settings):
    """An encoder trained on the sources without item IDs. A target can start from it or use it untrained."""

    channels: tuple[Channel, ...] = Field(
        (),
        description="What an item is there; empty: none is trained. `id` and `categories` cannot move between domains.",
    )
    system: str = Field(
        "sasrec", description="System that the sources train: sasrec, cl4srec, pdrec, gru4rec, or a plug-in's."
    )
    epochs: int = Field(100, ge=1, le=1_000_000, description="Upper bound.")

    @model_validator(mode="after")
    def _has_items(self) -> SourceEncoderSettings:
        if self.system != "sasrec" and not self.channels:
            raise ValueError(f"system {self.system} would not be trained: channels names none")
        return self

    @model_validator(mode="after")
    def _transferable(self) -> SourceEncoderSettings:
        bound = {"id", "categories"} & set(self.channels)
        if bound:
            raise ValueError(
                f"{', '.join(sorted(bound))} cannot move between domains; use anchors or semantic channels"
            )
        return self
