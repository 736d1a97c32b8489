"""Settings of evaluation: the split and both protocols."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from domains.errors import InputError
from domains.settings import Settings


class EvaluationSettings(Settings):
    """Both protocols always run: sampled negatives (Section 4.1) and full ranking."""

    negatives: int = Field(999, ge=1, le=1_000_000, description="Uniform negatives of the sampled protocol.")
    seed: int = Field(0, ge=0, lt=1 << 31, description="Of the negatives; the same for every variant and seed.")
    cutoffs: tuple[int, ...] = Field(
        (5, 10), min_length=1, max_length=100, description="k of NDCG@k and Hit@k; 10 is among them."
    )
    memory_mb: int = Field(64, ge=1, le=1_000_000, description="Score blocks never take more than this.")
    split: Literal["leave-one-out", "temporal"] = Field("leave-one-out", description="How targets are held out.")
    validation_from: int | None = Field(None, description="Unix seconds, for the temporal split.")
    test_from: int | None = Field(None, description="Unix seconds, for the temporal split.")
    short_users: Literal["error", "train"] = Field("error", description="Users too short for leave-one-out.")
    new_items: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of items that nobody trains on, drawn by `seed`; above 0 they alone are test targets, "
        "known by their titles.",
    )

    @model_validator(mode="after")
    def _reports_at_ten(self) -> EvaluationSettings:
        if min(self.cutoffs) < 1 or 10 not in self.cutoffs:
            raise InputError(
                "reports and comparisons are of NDCG@10 and Hit@10",
                location="cutoffs",
                hint="Keep 10 among positive cutoffs, for example [5, 10, 20]",
            )
        return self

    @model_validator(mode="after")
    def _moments(self) -> EvaluationSettings:
        if self.split == "temporal" and (self.validation_from is None or self.test_from is None):
            raise ValueError("a temporal split needs validation_from and test_from")
        if self.split != "temporal" and (self.validation_from is not None or self.test_from is not None):
            raise ValueError("validation_from and test_from are of the temporal split: set split to 'temporal'")
        return self
