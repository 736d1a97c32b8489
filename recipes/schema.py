"""The schema of a recipe. A minimal recipe names a target; most also name sources."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from domains.errors import SettingsError
from domains.printable import printable
from domains.settings import Settings, repeated
from domains.spec import DomainSpec
from recipes.presets import PRESETS, Preset, overlaid
from transfer.diffusion.settings import S2IDMSettings
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.settings import EvaluationSettings
from transfer.interests.settings import InterestSettings
from transfer.items.settings import ItemSettings
from transfer.model.settings import PromptSettings, ScoreSettings
from transfer.runs.settings import SourceEncoderSettings
from transfer.training.settings import TrainingSettings
from vocab.encoder.settings import SemanticSettings
from vocab.settings import UnseenSettings, VocabularySettings

DEFAULT_VARIANTS = ("popular", "terms", "sasrec", "sasrec+terms", "sasrec+title-semantic+terms")
"""Default variants: baselines without training, the base model, and the base with late terms and titles."""
LEARNING_FROM_SOURCES = ("sasrec+ipe+s2idm+terms",)
"""Default variants that a recipe with sources has as well; without sources there is no S2IDM to read."""


def default_variants(sources: object) -> tuple[str, ...]:
    """Return the variants of a recipe that lists none.

    Args:
        sources: its sources; none or an empty list for the target alone.
    """
    return (*DEFAULT_VARIANTS, *(LEARNING_FROM_SOURCES if sources else ()))


ONE_OR_MANY = ("sources", "variants", "seeds")
"""Keys that accept a single value instead of a list."""

Seed = Annotated[int, Field(ge=0, lt=1 << 31)]


def folder_name(value: str) -> str:
    """Return a name that can be that of a folder.

    Raises:
        ValueError: it cannot.
    """
    if value and not value.strip():
        raise ValueError("a name must not be blank, because results go into a folder of that name")
    if value in {".", ".."} or any(sign in value for sign in "/\\\0"):
        raise ValueError("a name must not contain / or \\, because results go into a folder of that name")
    if value != printable(value):
        raise ValueError("a name must not contain control characters, because a folder has that name")
    return value


def _as_written(schema: dict[str, Any]) -> None:
    """Extend the JSON Schema by what files may hold: single values for lists, and `extends`."""
    properties = schema["properties"]
    for key in ONE_OR_MANY:
        listed = properties[key]
        shared = {part: listed.pop(part) for part in ("title", "description", "default") if part in listed}
        properties[key] = {**shared, "anyOf": [listed["items"], listed]}
    properties["extends"] = {
        "type": "string",
        "description": "A recipe to inherit from: bundled, or a file in this folder or below.",
    }
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends"]}]


class Recipe(Settings):
    """Sources, target and settings of an experiment."""

    model_config = ConfigDict(json_schema_extra=_as_written)

    name: str = Field("", description="Name for tables and folders; the file's name by default.")
    description: str = Field("", description="Purpose of the recipe.")
    preset: Preset = Field(
        "strong",
        description="Default values: 'strong' was selected on validation over several data sets, 'paper' follows the "
        "paper and the authors' release.",
    )
    sources: tuple[DomainSpec, ...] = Field(
        max_length=1000, description="Domains that S2IDM is trained on; [] uses the target only."
    )
    target: DomainSpec | None = Field(None, description="Domain to recommend in; needed by adapt-target and run.")
    source_part: Literal["all", "train"] = Field(
        "all",
        description="Interactions that S2IDM learns from: all of a source, or 'train' without the held-out ones. Use "
        "'train' if the target is also a source.",
    )
    sample_users: int | None = Field(
        None, ge=1, description="Use only this many random users per domain, for quick trials."
    )
    target_titles: bool = Field(
        True,
        description="Build the vocabulary from the target's titles too. Its interactions are not read.",
    )
    vocabulary: VocabularySettings = Field(default_factory=VocabularySettings, description="Rules for anchors.")
    unseen: UnseenSettings | None = Field(
        default_factory=UnseenSettings, description="How other words are mapped to anchors; null disables it."
    )
    unseen_map: Path | None = Field(
        None,
        description="Use this unseen.json of a target run, perhaps edited by hand, instead of a new map. Relative "
        "paths are searched in the recipe's folder, then in the working folder.",
    )
    semantic: SemanticSettings = Field(default_factory=SemanticSettings, description="The sentence encoder.")
    interests: InterestSettings = Field(
        default_factory=InterestSettings, description="Weights of the original interests s'_0."
    )
    s2idm: S2IDMSettings = Field(default_factory=S2IDMSettings, description="The diffusion model.")
    source_encoder: SourceEncoderSettings = Field(
        default_factory=SourceEncoderSettings,
        description="An encoder without item IDs, trained on the sources.",
    )
    encoder: EncoderSettings = Field(default_factory=EncoderSettings, description="The sequential encoder.")
    items: ItemSettings = Field(default_factory=ItemSettings, description="Channels of item vectors.")
    prompts: PromptSettings = Field(default_factory=PromptSettings, description="IPE.")
    score: ScoreSettings = Field(default_factory=ScoreSettings, description="Score of a state and an item.")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="The training loop.")
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings, description="Split and protocols.")
    systems: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of systems by name, such as ease: {l2: 50}; `transfer variants` lists them.",
    )
    variants: tuple[str, ...] = Field(
        DEFAULT_VARIANTS,
        min_length=1,
        max_length=1000,
        description=f"Models to train and compare. With sources, the default "
        f"also has {' and '.join(LEARNING_FROM_SOURCES)}.",
    )
    seeds: tuple[Seed, ...] = Field(
        (0,), min_length=1, max_length=1000, description="Every trained variant runs once per seed."
    )
    shots: float = Field(1.0, ge=0, le=1, description="Share of the target's users that train; 0 is zero-shot.")

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, data: Any) -> Any:
        """Merge the given values into those of the preset, and add the default variants of a recipe with sources."""
        if not isinstance(data, Mapping):
            return data
        if data.get("preset") in PRESETS:
            data = overlaid(PRESETS[data["preset"]], data)
        if data.get("sources") and "variants" not in data:
            data = {**data, "variants": default_variants(data["sources"])}
        return data

    @field_validator(*ONE_OR_MANY, mode="before")
    @classmethod
    def _one_or_many(cls, value: Any, info: ValidationInfo) -> Any:
        """Accept a single source, variant or seed instead of a list, which is not a text with commas."""
        none = " ([] for none)" if info.field_name == "sources" else ""
        if value is None:
            raise SettingsError("nothing stands here", hint=f"Write one, or a list{none}", code="invalid-value")
        if info.field_name != "sources" and isinstance(value, str) and "," in value:
            listed = ", ".join(part.strip() for part in value.split(",") if part.strip())
            raise SettingsError(
                f"{value!r} is a text, not a list", hint=f"Write a list: [{listed}]", code="invalid-value"
            )
        return [value] if isinstance(value, str | dict | int) else value

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        """Check that the name can be a folder."""
        return folder_name(value)

    @model_validator(mode="after")
    def _has_data(self) -> Recipe:
        if not self.sources and self.target is None:
            raise ValueError("there is neither a source nor a target")
        return self

    @model_validator(mode="after")
    def _has_training_users(self) -> Recipe:
        if self.evaluation.core_from == "training" and self.shots == 0:
            raise SettingsError(
                "no user trains, so there is no catalogue of the training users",
                location="evaluation.core_from",
                hint="Set shots above 0, or core_from to 'all'",
                code="core-from",
            )
        return self

    @property
    def core_of_training_users(self) -> bool:
        """Whether k-core and catalogue come from the training users alone, and these are not all users."""
        return self.evaluation.core_from == "training" and self.shots < 1

    @model_validator(mode="after")
    def _distinct(self) -> Recipe:
        for key, values in (("variants", self.variants), ("seeds", self.seeds)):
            again = repeated(values)
            if again:
                raise ValueError(f"{key} repeat: {again}")
        return self

    @model_validator(mode="after")
    def _selects_by_a_metric(self) -> Recipe:
        by_rank = [f"{name}@{k}" for name in ("ndcg", "hit") for k in self.evaluation.cutoffs]
        known = [f"{protocol}/{name}" for protocol in ("full", "sampled") for name in (*by_rank, "mrr", "auc")]
        if self.training.metric not in known:
            raise SettingsError(
                f"unknown metric {self.training.metric!r}",
                location="training.metric",
                hint=f"Known with these evaluation.cutoffs: {', '.join(known)}",
                code="metric",
            )
        return self


def resolved(recipe: Recipe) -> dict[str, Any]:
    """Return all settings of a recipe, including defaults, as plain data. Domains keep only the given keys."""
    data = recipe.model_dump(mode="json")
    data["sources"] = [source.model_dump(mode="json", exclude_unset=True) for source in recipe.sources]
    if recipe.target is not None:
        data["target"] = recipe.target.model_dump(mode="json", exclude_unset=True)
    return data
