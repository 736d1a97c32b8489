"""Settings of the original interests s'_0."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from domains.settings import Settings

InterestName = Literal["constant", "raw", "s2idm", "shuffled"]
"""Input of the prompts: none, s'_0, diffused interests, or another user's diffused interests."""


def check_ascending(w_min: float, w_max: float) -> None:
    """Raise unless w_min <= w_max."""
    if w_min > w_max:
        raise ValueError(f"w_min ({w_min}) must not exceed w_max ({w_max})")


class InterestSettings(Settings):
    """How a sequence becomes the original interest distribution s'_0 (Section 3.3)."""

    w_min: float = Field(0.1, ge=0, description="Weight of a user's oldest interaction.")
    w_max: float = Field(0.5, gt=0, description="Weight of the newest interaction, and of all if all times are equal.")
    transform: Literal["none", "idf", "unit"] = Field(
        "none",
        description="Transform of s'_0 before S2IDM: 'none' (paper), 'idf' (anchors times IDF), or 'unit' (unit rows).",
    )

    @model_validator(mode="after")
    def _ordered(self) -> InterestSettings:
        check_ascending(self.w_min, self.w_max)
        return self
