"""Settings of sequential encoders."""

from __future__ import annotations

from pydantic import Field, model_validator

from domains.settings import Settings


class EncoderSettings(Settings):
    """The sequential encoder (Section 4.1 and the authors' SASRec)."""

    dim: int = Field(64, ge=1, le=8192, description="Width d of items, states and prompts.")
    blocks: int = Field(2, ge=1, le=64, description="Layers.")
    heads: int = Field(1, ge=1, le=128, description="Attention heads; must divide dim.")
    dropout: float = Field(0.3, ge=0, lt=1, description="Dropout in the encoder and on its input.")
    max_length: int = Field(
        200, ge=1, le=100_000, description="Number of most recent interactions that the encoder sees."
    )

    @model_validator(mode="after")
    def _divisible(self) -> EncoderSettings:
        if self.dim % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide dim ({self.dim})")
        return self
