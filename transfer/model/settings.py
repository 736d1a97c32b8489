"""Settings of prompts and of the score."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domains.settings import Settings


class PromptSettings(Settings):
    """Interest-aware prompts (IPE, Section 3.4)."""

    count: int = Field(3, ge=1, le=1000, description="Prompts k before the sequence.")
    start: Literal["neutral", "paper"] = Field(
        "neutral",
        description="How a variant begins: exactly as its base, with a gate of zeros on what prompts change, or with "
        "the paper's random prompts in full.",
    )
    sees: Literal["train", "train-minus-last", "prefix"] = Field(
        "train-minus-last",
        description=(
            "What a train-time prompt is made from: the whole train sequence (paper; it has seen what to predict), "
            "all but its last item, or the part before a random cut, with targets only after the cut."
        ),
    )


class ScoreSettings(Settings):
    """How a state and an item become a score."""

    similarity: Literal["cosine", "dot"] = Field("cosine", description="Cosine (the authors) or inner product (Eq. 3).")
    temperature: float = Field(10.0, gt=0, description="Factor on the cosine; ignored by dot.")
