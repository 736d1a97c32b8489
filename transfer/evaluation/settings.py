"""Settings of evaluation: split and ranking protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from domains.errors import SettingsError
from domains.settings import Settings

SCORES_MB = 64
"""Maximum size of a block of scores; $TRANSFER_MEMORY_MB lowers it."""


class EvaluationSettings(Settings):
    """Settings of the split and both protocols: sampled negatives (Section 4.1) and full ranking. Both always run."""

    ignored: ClassVar[Mapping[str, object]] = {"memory_mb": 64}

    negatives: int = Field(999, ge=1, le=1_000_000, description="Number of uniform negatives in the sampled protocol.")
    seed: int = Field(0, ge=0, lt=1 << 31, description="Seed of the negatives, the same for all variants and seeds.")
    cutoffs: tuple[int, ...] = Field(
        (5, 10), min_length=1, max_length=100, description="Values of k in NDCG@k and Hit@k; must include 10."
    )
    split: Literal["leave-one-out", "temporal"] = Field(
        "leave-one-out", description="How test and validation targets are held out."
    )
    validation_from: int | None = Field(None, description="Unix seconds, for the temporal split.")
    test_from: int | None = Field(None, description="Unix seconds, for the temporal split.")
    short_users: Literal["error", "train"] = Field(
        "error",
        description="Users with too few interactions for leave-one-out: 'error' stops, 'train' only trains on them.",
    )
    core_from: Literal["all", "training"] = Field(
        "all",
        description="With `shots` below 1: the users whose interactions decide k-core and catalogue. 'all' is "
        "transductive: users that are only tested count too. 'training' is strict: interactions of other users with "
        "items outside the catalogue are dropped and counted, and users are drawn by their ids.",
    )
    new_items: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of items held out of training, drawn by `seed`. If above 0, only these items are test "
        "targets, known by their titles.",
    )

    @model_validator(mode="after")
    def _reports_at_ten(self) -> EvaluationSettings:
        if min(self.cutoffs) < 1 or 10 not in self.cutoffs:
            raise SettingsError(
                "reports and comparisons need NDCG@10 and Hit@10",
                location="cutoffs",
                hint="Keep 10 among positive cutoffs, for example [5, 10, 20]",
                code="cutoffs",
            )
        return self

    @model_validator(mode="after")
    def _moments(self) -> EvaluationSettings:
        if self.split == "temporal" and (self.validation_from is None or self.test_from is None):
            raise ValueError("a temporal split needs validation_from and test_from")
        if self.split != "temporal" and (self.validation_from is not None or self.test_from is not None):
            raise ValueError("validation_from and test_from need split: temporal")
        return self
