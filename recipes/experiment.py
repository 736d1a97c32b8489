"""An experiment as data: which recipes, under which settings, with which variants and seeds, beside which figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from domains.errors import InputError
from domains.nearest import suggest
from domains.settings import Settings, repeated
from domains.validation import explain
from recipes.load import bundled_experiments, bundled_recipes, read_mapping
from recipes.published_figures import published


class Entry(Settings):
    """One recipe of an experiment."""

    recipe: str = Field(description="A bundled recipe, or a file beside the experiment.")
    label: str = Field("", description="What tables call it; the recipe's name by default. Labels are unique.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Values that win over the recipe's own.")
    published: str | None = Field(None, description="TABLE/COLUMN of the published figures that stand beside it.")

    @field_validator("published")
    @classmethod
    def _was_published(cls, value: str | None) -> str | None:
        """Tables, which look the figures up, are made after hours of training."""
        if value is not None:
            published(value)
        return value


class CostSettings(Settings):
    """What TI-DiffRec over items and S2IDM over sememes cost, measured on made-up users (Table 3)."""

    items: tuple[int, ...] = Field((10_000, 30_000, 100_000), min_length=1, description="Catalogue sizes I.")
    sememes: int = Field(1000, ge=1, description="Anchors q, the same for every catalogue.")
    users: int = Field(4000, ge=1, description="Users of a training epoch and of an evaluation.")
    history: int = Field(10, ge=1, description="Interactions a user.")
    sememes_an_item: int = Field(4, ge=1, description="Anchors an item.")


class Experiment(Settings):
    """Recipes x protocols x shares of users x variants x seeds."""

    name: str = Field("", description="For folders and titles; the file's name by default.")
    description: str = Field("", description="What is asked, for people.")
    experiment: tuple[Entry, ...] = Field((), description="The recipes.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Values that win over every recipe's own.")
    protocols: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Named settings; every recipe runs under each. None: once, as it is."
    )
    variants: tuple[str, ...] | None = Field(
        None, min_length=1, description="In place of the recipes' own, unless an entry's settings name others."
    )
    seeds: tuple[int, ...] | None = Field(
        None, min_length=1, description="In place of the recipes' own, unless an entry's settings name others."
    )
    extra_variants: tuple[str, ...] = Field((), description="Variants that get fewer seeds, and are marked so.")
    extra_seeds: tuple[int, ...] = Field((0,), min_length=1, description="Their seeds, some of `seeds`.")
    shots: tuple[float, ...] | None = Field(
        None, min_length=1, description="Shares of the target's users that train; each is a run of its own."
    )
    known_anchors: tuple[int, ...] = Field(
        (), description="Thresholds: metrics of the users who have met at most so many anchors (Table 5)."
    )
    reference: tuple[str, ...] = Field(
        (), description="TABLE/COLUMN of published figures on other data, shown apart from ours."
    )
    cost: CostSettings | None = Field(None, description="Measure what diffusion costs, beside or without recipes.")

    @field_validator("experiment", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A recipe may stand as its bare name."""
        return [{"recipe": entry} if isinstance(entry, str) else entry for entry in value or ()]

    @field_validator("reference")
    @classmethod
    def _were_published(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for location in value:
            published(location)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        labels = [entry.label or entry.recipe for entry in self.experiment]
        again = repeated(labels)
        if again:
            raise ValueError(f"labels repeat: {again}; give each entry a label of its own")
        if not self.experiment and self.cost is None:
            raise ValueError("nothing to do: name recipes under 'experiment', or give 'cost'")
        if self.extra_variants and self.seeds is not None and not set(self.extra_seeds) <= set(self.seeds):
            raise ValueError(f"extra_seeds {self.extra_seeds} must be among seeds {self.seeds}")
        if any(not 0 <= share <= 1 for share in self.shots or ()):
            raise ValueError(f"shots are shares between 0 and 1: {self.shots}")
        again = repeated(self.shots or ())
        if again:
            raise ValueError(f"shots repeat: {again}")
        return self


@dataclass(frozen=True)
class LoadedExperiment:
    """A checked experiment and where it came from.

    Attributes:
        experiment: the settings.
        path: its file; recipes are looked for beside it.
    """

    experiment: Experiment
    path: Path

    def recipe_path(self, entry: Entry) -> str:
        """The recipe of an entry: a file beside the experiment, or what the entry says."""
        beside = self.path.parent / entry.recipe
        return str(beside) if beside.is_file() else entry.recipe


def load_experiment(given: str | Path) -> LoadedExperiment:
    """Read and check an experiment; a plain recipe is an experiment with itself alone.

    Args:
        given: a file, or the name of a bundled experiment or recipe.

    Raises:
        InputError: the file is missing, is no YAML mapping, or has a wrong key or value.
    """
    path = _find(given)
    data = read_mapping(path)
    if "experiment" not in data and "cost" not in data:
        return LoadedExperiment(Experiment(name=path.stem, experiment=(Entry(recipe=path.name),)), path)
    data.setdefault("name", path.stem)
    try:
        return LoadedExperiment(Experiment.model_validate(data), path)
    except ValidationError as error:
        raise explain(error, Experiment, f"{path}: ") from None


def _find(given: str | Path) -> Path:
    path = Path(given)
    if path.is_file():
        return path.resolve()
    known = bundled_recipes() | bundled_experiments()
    if str(given) in known:
        return known[str(given)]
    raise InputError(
        "no such experiment or recipe",
        location=given,
        hint=f"{suggest(str(given), known)}Bundled: {', '.join(known)}; or give a YAML file",
    )
