"""Settings of interests: how a sequence becomes s'_0."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from domains.settings import Settings

InterestName = Literal["constant", "raw", "s2idm", "shuffled"]
"""What a prompt is made from: nothing, s'_0, the diffused interests, or another user's diffused interests."""


def check_ascending(w_min: float, w_max: float) -> None:
    """Weights of the oldest and the newest interaction: the newest counts at least as much."""
    if w_min > w_max:
        raise ValueError(f"w_min ({w_min}) must not exceed w_max ({w_max})")


class InterestSettings(Settings):
    """How a sequence becomes the original interest distribution s'_0 (Section 3.3)."""

    w_min: float = Field(0.1, ge=0, description="Weight of a user's oldest interaction.")
    w_max: float = Field(0.5, gt=0, description="Weight of the newest one, and of all when all times are equal.")
    transform: Literal["none", "idf", "unit"] = Field(
        "none",
        description="What is done to s'_0 before S2IDM: nothing (paper), anchors times IDF, or rows to unit length.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> InterestSettings:
        check_ascending(self.w_min, self.w_max)
        return self
