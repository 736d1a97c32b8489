"""Settings of the source encoder."""

from __future__ import annotations

from pydantic import Field, model_validator

from domains.settings import Settings
from transfer.items.settings import Channel


class SourceEncoderSettings(Settings):
    """An encoder trained on the sources without item IDs. A target can start from it or use it untrained."""

    channels: tuple[Channel, ...] = Field(
        (),
        description="Channels of its items; empty: no encoder. `id` and `categories` cannot move between domains.",
    )
    system: str = Field(
        "sasrec", description="System to train on the sources: sasrec, cl4srec, pdrec, gru4rec, or a plug-in's."
    )
    epochs: int = Field(100, ge=1, le=1_000_000, description="Upper bound.")

    @model_validator(mode="after")
    def _has_items(self) -> SourceEncoderSettings:
        if self.system != "sasrec" and not self.channels:
            raise ValueError(f"system {self.system} would not be trained, because channels is empty")
        return self

    @model_validator(mode="after")
    def _transferable(self) -> SourceEncoderSettings:
        bound = {"id", "categories"} & set(self.channels)
        if bound:
            raise ValueError(
                f"{', '.join(sorted(bound))} cannot move between domains; use anchors or semantic channels"
            )
        return self
