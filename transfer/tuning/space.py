"""The space that a search declares: which keys of a recipe may take which values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from domains.errors import SettingsError, explain
from domains.settings import Settings
from recipes.load import read_mapping

Choice = str | int | float | bool | None
TUNABLE = ("training", "encoder", "prompts", "items", "score", "systems")
"""First parts of the keys that may be tuned: the others say what is measured or need other source artifacts."""
NOT = ("training.metric",)
"""Keys below these that may not: what chooses cannot be chosen."""


class Range(Settings):
    """Numbers between two bounds.

    The values are whole numbers if both bounds and the step are.
    """

    low: int | float = Field(description="Smallest value.")
    high: int | float = Field(description="Largest value.")
    step: int | float | None = Field(None, gt=0, description="Distance of the values; any value by default.")
    log: bool = Field(False, description="Search on a logarithmic scale.")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low >= self.high or (self.log and (self.low <= 0 or self.step is not None)):
            raise ValueError("low is below high; log needs a positive low and no step")
        return self

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))


class Space(Settings):
    """Keys of a recipe, each with a list of values or a range."""

    keys: dict[str, tuple[Choice, ...] | Range] = Field(min_length=1, description="By key, such as encoder.dim.")

    @field_validator("keys")
    @classmethod
    def _tunable(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key, values in value.items():
            if key.partition(".")[0] not in TUNABLE or key in NOT:
                raise ValueError(f"{key!r} cannot be tuned; keys begin with {', '.join(TUNABLE)}")
            if isinstance(values, tuple) and len(set(map(repr, values))) < 2:
                raise ValueError(f"{key!r} needs at least two different values")
        return value


DEFAULT = Space.model_validate({
    "keys": {
        "training.learning_rate": {"low": 0.0003, "high": 0.01, "log": True},
        "encoder.dim": (32, 64, 128),
        "encoder.blocks": (1, 2, 3),
        "encoder.dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
        "training.batch_size": (128, 256, 512),
    }
})  # fmt: skip
"""What is searched when nobody says."""


def read_space(path: Path | None) -> Space:
    """Read a YAML file of keys, or return the default space.

    Raises:
        InputError: the file is missing or wrong.
    """
    return DEFAULT if path is None else check_space(read_mapping(path), path)


def check_space(keys: Mapping[str, Any], location: object) -> Space:
    """A typed space out of plain data.

    Raises:
        InputError: for the first thing that is wrong.
    """
    try:
        return Space.model_validate({"keys": dict(keys)})
    except ValidationError as error:
        raise explain(error, Space, f"{location}: ") from None
    except ValueError as error:
        raise SettingsError(str(error), location=location) from None
