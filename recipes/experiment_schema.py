"""Schema of an experiment: recipes, settings, variants, seeds, and the published figures to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from domains.errors import SettingsError, explain, suggest
from domains.settings import Settings, repeated
from recipes.load import bundled_experiments, bundled_recipes, read_mapping
from recipes.schema import folder_name


@dataclass(frozen=True, kw_only=True)
class Published:
    """Figures that a paper published for one data set.

    Attributes:
        location: TABLE/COLUMN.
        source: the paper.
        table: title of the table.
        differs: how the experiment differs from ours.
        figures: metric (sampled protocol) by variant.
    """

    location: str
    source: str
    table: str
    differs: tuple[str, ...]
    figures: dict[str, dict[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "place": self.location,
            "source": self.source,
            "table": self.table,
            "differs": list(self.differs),
            "figures": self.figures,
        }


def published(location: str) -> Published:
    """Return the figures of a TABLE/COLUMN, such as ``table4/game_to_toy``.

    Raises:
        InputError: there is no such table or column.
    """
    data = _all()
    known = [f"{table}/{column}" for table, body in data["tables"].items() for column in body["columns"]]
    if location not in known:
        raise SettingsError(
            f"no figures were published as {location!r}", hint=f"Known: {', '.join(known)}", code="published"
        )
    table, _, column = location.partition("/")
    body = data["tables"][table]
    return Published(
        location=location,
        source=data["source"],
        table=body["title"],
        differs=tuple(data["differs"]),
        figures=body["columns"][column],
    )


def published_cost() -> dict[str, Any]:
    """Return title and rows of the published cost table."""
    return dict(_all()["cost"])


@cache
def _all() -> dict[str, Any]:
    return read_mapping(Path(str(resources.files("recipes"))) / "published" / "seedrec.yaml")


class Entry(Settings):
    """One recipe of an experiment."""

    recipe: str = Field(description="A bundled recipe, or a file in the experiment's folder.")
    label: str = Field("", description="Name in tables; the recipe's name by default. Labels are unique.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings that override the recipe's.")
    published: str | None = Field(None, description="TABLE/COLUMN of published figures to show with it.")

    @field_validator("published")
    @classmethod
    def _was_published(cls, value: str | None) -> str | None:
        """Check the name now: the figures are read after hours of training."""
        if value is not None:
            published(value)
        return value


class CostSettings(Settings):
    """Measures the cost of TI-DiffRec over items and S2IDM over sememes, on generated users (Table 3)."""

    items: tuple[int, ...] = Field((10_000, 30_000, 100_000), min_length=1, description="Catalogue sizes I.")
    sememes: int = Field(1000, ge=1, description="Number of anchors q, the same for every catalogue.")
    users: int = Field(4000, ge=1, description="Number of users in a training epoch and an evaluation.")
    history: int = Field(10, ge=1, description="Interactions per user.")
    sememes_an_item: int = Field(4, ge=1, description="Anchors per item.")


class Experiment(Settings):
    """Recipes x protocols x shares of users x variants x seeds."""

    name: str = Field("", description="For folders and titles; the file's name by default.")
    description: str = Field("", description="Purpose of the experiment.")
    experiment: tuple[Entry, ...] = Field((), description="The recipes.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings that override every recipe's.")
    protocols: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Named settings; every recipe runs with each. Unset runs each recipe once."
    )
    variants: tuple[str, ...] | None = Field(
        None, min_length=1, description="In place of the recipes' own, unless an entry's settings name others."
    )
    seeds: tuple[int, ...] | None = Field(
        None, min_length=1, description="In place of the recipes' own, unless an entry's settings name others."
    )
    extra_variants: tuple[str, ...] = Field((), description="Variants that run with fewer seeds; tables mark them.")
    extra_seeds: tuple[int, ...] = Field(
        (0,), min_length=1, description="Seeds of extra_variants, a subset of `seeds`."
    )
    shots: tuple[float, ...] | None = Field(
        None, min_length=1, description="Shares of the target's users that train; each share is a separate run."
    )
    known_anchors: tuple[int, ...] = Field(
        (), description="Report users with at most this many known anchors (Table 5); a list of thresholds."
    )
    reference: tuple[str, ...] = Field(
        (), description="TABLE/COLUMN of published figures on other data, shown separately."
    )
    cost: CostSettings | None = Field(None, description="Measure the cost of diffusion, with or without recipes.")

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        """Check that the name can be a folder."""
        return folder_name(value)

    @field_validator("experiment", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """Accept one entry for a list, and a recipe's name for an entry."""
        entries = [value] if isinstance(value, str | Mapping) else () if value is None else value
        if not isinstance(entries, list | tuple):
            return entries
        return [{"recipe": entry} if isinstance(entry, str) else entry for entry in entries]

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
            raise ValueError(f"labels repeat: {again}; give each entry another label")
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
        path: its file; recipes are searched in the same folder.
    """

    experiment: Experiment
    path: Path

    def recipe_path(self, entry: Entry) -> str:
        """Path or bundled name of an entry's recipe."""
        beside = self.path.parent / entry.recipe
        return str(beside) if beside.is_file() else entry.recipe


def load_experiment(given: str | Path) -> LoadedExperiment:
    """Read and validate an experiment. A recipe is accepted as an experiment with one entry.

    Args:
        given: a file, or the name of a bundled experiment or recipe.

    Raises:
        InputError: the file is missing, is not a YAML mapping, or has a wrong key or value.
    """
    path = _find(given)
    data = read_mapping(path)
    if "experiment" not in data and "cost" not in data:
        return LoadedExperiment(Experiment(name=path.stem, experiment=(Entry(recipe=path.name),)), path)
    data["name"] = data.get("name") or path.stem
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
    raise SettingsError(
        "no such experiment or recipe",
        location=given,
        hint=f"{suggest(str(given), known)}Bundled: {', '.join(known)}; or give a YAML file",
        code="no-recipe",
    )
