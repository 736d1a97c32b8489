"""Settings of prompts and score."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domains.settings import Settings


class PromptSettings(Settings):
    """Settings of interest-aware prompts (IPE, Section 3.4)."""

    count: int = Field(3, ge=1, le=1000, description="Prompts k before the sequence.")
    start: Literal["neutral", "paper"] = Field(
        "neutral",
        description="Start of a variant: 'neutral' has the same scores as its base (a gate of zeros), 'paper' uses the "
        "paper's random prompts.",
    )
    sees: Literal["train", "train-minus-last", "prefix"] = Field(
        "train-minus-last",
        description=(
            "Interactions that prompts see in training: 'train' the whole train sequence (paper; it contains the "
            "targets), 'train-minus-last' all but its last item, 'prefix' the part before a random cut; only items "
            "after the cut are targets then."
        ),
    )


class ScoreSettings(Settings):
    """Settings of the score of a state and an item."""

    similarity: Literal["cosine", "dot"] = Field("cosine", description="Cosine (the authors) or inner product (Eq. 3).")
    temperature: float = Field(10.0, gt=0, description="Factor on the cosine; ignored by dot.")
