"""A recipe: one experiment as data, checked. The shortest useful one names its sources and its target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from domains.errors import InputError
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
from vocab.settings import VocabularySettings
from vocab.unseen.settings import UnseenSettings

DEFAULT_VARIANTS = ("popular", "terms", "sasrec", "sasrec+terms", "sasrec+title-semantic+terms")
"""A list for everyone, what needs no training, the base, and what late terms and texts add to it."""


ONE_OR_MANY = ("sources", "variants", "seeds")
"""Keys of which a single value may stand without a list."""

Seed = Annotated[int, Field(ge=0, lt=1 << 31)]


def _as_written(schema: dict[str, Any]) -> None:
    """Bring the JSON Schema to what files may hold: one value without its list, and another recipe to begin with."""
    properties = schema["properties"]
    for key in ONE_OR_MANY:
        listed = properties[key]
        told = {part: listed.pop(part) for part in ("title", "description", "default") if part in listed}
        properties[key] = {**told, "anyOf": [listed["items"], listed]}
    properties["extends"] = {
        "type": "string",
        "description": "A recipe that this one begins with: a bundled one, or a file in this folder or below.",
    }
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends"]}]


class Recipe(Settings):
    """Sources, target, and every setting of what happens between them."""

    model_config = ConfigDict(json_schema_extra=_as_written)

    name: str = Field("", description="For tables and folders; the file's name by default.")
    description: str = Field("", description="What this recipe is for, for people.")
    preset: Preset = Field(
        "strong",
        description="Where values come from that this recipe does not name: 'strong' is what won on validation over "
        "several data sets, 'paper' is what the paper and its authors' release do.",
    )
    sources: tuple[DomainSpec, ...] = Field(
        max_length=1000, description="Domains that S2IDM is trained on; [] trains on the target alone."
    )
    target: DomainSpec | None = Field(None, description="Domain that profits; only adapt-target and run need it.")
    source_part: Literal["all", "train"] = Field(
        "all",
        description="What S2IDM learns from: all interactions of a source, or without its held-out ones, which is "
        "needed where the target is a source too.",
    )
    sample_users: int | None = Field(
        None, ge=1, description="Only so many random users of every domain take part: for quick trials."
    )
    target_titles: bool = Field(
        True,
        description="Build the vocabulary over the target's titles too. Its interactions are never looked at.",
    )
    vocabulary: VocabularySettings = Field(default_factory=VocabularySettings, description="Titles to anchors.")
    unseen: UnseenSettings | None = Field(
        default_factory=UnseenSettings, description="How words that are no anchors find some; null: they do not."
    )
    unseen_map: Path | None = Field(
        None,
        description="A target run's unseen.json, perhaps edited by hand, in place of a map made anew. A relative path "
        "starts at the recipe's folder, then at the working folder.",
    )
    semantic: SemanticSettings = Field(default_factory=SemanticSettings, description="The sentence encoder, if any.")
    interests: InterestSettings = Field(default_factory=InterestSettings, description="Sequences to interests s'_0.")
    s2idm: S2IDMSettings = Field(default_factory=S2IDMSettings, description="The diffusion model.")
    source_encoder: SourceEncoderSettings = Field(
        default_factory=SourceEncoderSettings,
        description="The encoder without item IDs that a source artifact carries.",
    )
    encoder: EncoderSettings = Field(default_factory=EncoderSettings, description="The sequential encoder.")
    items: ItemSettings = Field(default_factory=ItemSettings, description="What an item is.")
    prompts: PromptSettings = Field(default_factory=PromptSettings, description="IPE.")
    score: ScoreSettings = Field(default_factory=ScoreSettings, description="State and item to score.")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="The training loop.")
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings, description="Protocols and splits.")
    systems: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of single systems by name, such as ease: {l2: 50}; `transfer variants` lists them.",
    )
    variants: tuple[str, ...] = Field(
        DEFAULT_VARIANTS, min_length=1, max_length=1000, description="Models to train and compare."
    )
    seeds: tuple[Seed, ...] = Field(
        (0,), min_length=1, max_length=1000, description="Every trained variant runs once a seed."
    )
    shots: float = Field(1.0, ge=0, le=1, description="Share of the target's users that train; 0 is zero-shot.")

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        """Lay what is given over the values of its preset."""
        if isinstance(data, Mapping) and data.get("preset") in PRESETS:
            return overlaid(PRESETS[data["preset"]], data)
        return data

    @field_validator(*ONE_OR_MANY, mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """A single source, variant or seed may stand without a list."""
        return [value] if isinstance(value, str | dict | int) else value

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        """Results go into a folder of this name."""
        if value in {".", ".."} or any(sign in value for sign in "/\\\0"):
            raise ValueError("a name must not contain / or \\, for results go into a folder of that name")
        return value

    @model_validator(mode="after")
    def _has_data(self) -> Recipe:
        if not self.sources and self.target is None:
            raise ValueError("sources is empty and no target is named: there is nothing to learn from")
        return self

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
            raise InputError(
                f"no metric is called {self.training.metric!r}",
                location="training.metric",
                hint=f"Known with these evaluation.cutoffs: {', '.join(known)}",
            )
        return self


def resolved(recipe: Recipe) -> dict[str, Any]:
    """Every value of a recipe, defaults included, as plain data; a domain says only what its author said."""
    data = recipe.model_dump(mode="json")
    data["sources"] = [source.model_dump(mode="json", exclude_unset=True) for source in recipe.sources]
    if recipe.target is not None:
        data["target"] = recipe.target.model_dump(mode="json", exclude_unset=True)
    return data
