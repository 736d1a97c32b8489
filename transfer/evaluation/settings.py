"""Settings of evaluation: split and ranking protocols."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from domains.errors import SettingsError
from domains.settings import Settings

SCORES_MB = 64
"""Maximum size of a block of scores; $TRANSFER_MEMORY_MB lowers it."""


def unix_seconds(given: object) -> object:
    """Return the unix seconds of a date or date-time, also as ISO 8601 text; UTC unless it says otherwise.

    Anything else is returned as it is.

    Raises:
        ValueError: text that is neither a date nor a number.
    """
    if isinstance(given, str) and not given.strip().lstrip("+-").isdigit():
        try:
            given = datetime.fromisoformat(given.strip())
        except ValueError:
            raise ValueError("write a date such as 2024-01-31 or 2024-01-31T12:00, or unix seconds") from None
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime.combine(given, time())
    if isinstance(given, datetime):
        return int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp())
    return given


Moment = Annotated[
    int, BeforeValidator(unix_seconds), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
"""A point in time in unix seconds, written as such or as a date."""


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
    validation_from: Moment | None = Field(
        None, description="Start of validation in the temporal split: a date, a date-time (UTC) or unix seconds."
    )
    test_from: Moment | None = Field(
        None,
        description="Start of test. Default of both: the last tenth of the interactions is for test, the tenth before "
        "for validation.",
    )
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
        if self.split != "temporal" and (self.validation_from is not None or self.test_from is not None):
            raise ValueError("validation_from and test_from need split: temporal")
        if (self.validation_from is None) != (self.test_from is None):
            raise ValueError("validation_from and test_from go together: give both or neither")
        return self

    @property
    def moments(self) -> tuple[int, int] | None:
        """When validation and test begin, in unix seconds; None if the data decide."""
        if self.validation_from is None or self.test_from is None:
            return None
        return self.validation_from, self.test_from
