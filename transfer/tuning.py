"""Search for better settings of one model with Optuna, on validation only."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from domains.errors import InputError, RunError, SettingsError, explain
from domains.loaders.loader import check_options, find_loader
from domains.settings import Settings
from domains.spec import DomainSpec
from recipes.load import LoadedRecipe, load_recipe, read_mapping
from recipes.schema import Recipe
from transfer.files import alone_in, json_text, read_json, write_json, write_text
from transfer.runs.checks import is_baseline, variants_of
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runtime import Runtime

Choice = str | int | float | bool | None
TUNABLE = ("training", "encoder", "prompts", "items", "score", "systems")
"""First parts of the keys that may be tuned. Other keys change the measurement or need another source artifact."""
NOT = ("training.metric",)
"""Exceptions: keys that select the best trial cannot be tuned."""


class Range(Settings):
    """Numbers between two bounds; whole numbers if both bounds and the step are."""

    low: int | float = Field(description="Smallest value.")
    high: int | float = Field(description="Largest value.")
    step: int | float | None = Field(None, gt=0, description="Distance between values; by default, any value.")
    log: bool = Field(False, description="Search on a logarithmic scale.")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, not {self.low}")
        if self.log and self.step is not None:
            raise ValueError("log takes no step")
        return self

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))


class Space(Settings):
    """Keys of a recipe, each with a list of values or a range."""

    keys: dict[str, tuple[Choice, ...] | Range] = Field(min_length=1, description="Values by key, such as encoder.dim.")

    @field_validator("keys")
    @classmethod
    def _tunable(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key, values in value.items():
            if key.partition(".")[0] not in TUNABLE or key in NOT:
                raise ValueError(f"{key!r} cannot be tuned; keys begin with {', '.join(TUNABLE)}")
            if isinstance(values, tuple) and len(set(map(repr, values))) < 2:
                raise ValueError(f"{key!r} needs at least two different values")
        return value


DEFAULT = Space.model_validate(
    {
        "keys": {
            "training.learning_rate": {"low": 0.0003, "high": 0.01, "log": True},
            "encoder.dim": (32, 64, 128),
            "encoder.blocks": (1, 2, 3),
            "encoder.dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
            "training.batch_size": (128, 256, 512),
        }
    }
)
"""The default search space."""


def read_space(path: Path | None) -> Space:
    """Read a YAML file of keys, or return the default space.

    Raises:
        InputError: the file is missing or wrong.
    """
    return DEFAULT if path is None else check_space(read_mapping(path), path)


def check_space(keys: Mapping[str, Any], location: object) -> Space:
    """Check plain data and return them as a search space.

    Raises:
        InputError: a key or value is wrong.
    """
    for key, value in keys.items():
        if isinstance(value, Mapping):
            try:
                Range.model_validate(value)
            except ValidationError as error:
                raise explain(error, Range, f"{location}: {key}.") from None
        elif not isinstance(value, list | tuple) or any(isinstance(one, list | Mapping) for one in value):
            raise SettingsError(
                f"{value!r} is neither a list of values nor a range",
                location=f"{location}: {key}",
                hint="Write for example [32, 64, 128], or {low: 0.1, high: 0.5}",
                code="invalid-value",
            )
    try:
        return Space.model_validate({"keys": dict(keys)})
    except ValidationError as error:
        raise explain(error, Space, f"{location}: ") from None
    except ValueError as error:
        raise SettingsError(str(error), location=location, code="invalid-value") from None


STORAGE, CLAIM, FOUND = "trials.log", "tuning.json", "found.yaml"

Score = Callable[[list[str]], float]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Result of a search.

    Attributes:
        metric: the selection metric, on validation items of training users.
        before: metric of the unchanged recipe.
        best: metric of the best trial; `before` if no trial is better.
        values: settings of the best trial; empty if no trial is better.
        trials: number of finished trials, over all sessions.
        failed: number of trials that ended in an error.
        recipe: file of the found recipe.
    """

    metric: str
    before: float
    best: float
    values: Mapping[str, Any]
    trials: int
    failed: int
    recipe: Path


def tune(
    given: str,
    folder: Path,
    runtime: Runtime,
    *,
    variant: str | None = None,
    trials: int = 30,
    space: Space,
    overrides: list[str] | None = None,
) -> Found:
    """Search for better settings of one variant, with the recipe's first seed.

    Args:
        given: recipe file or name.
        folder: folder for the trials. The same call resumes the search.
        runtime: device, processes, progress.
        variant: label of the variant; by default, the last one of the recipe.
        trials: total number of trials, with those of earlier sessions.
        space: keys and their values or ranges.
        overrides: overrides of the recipe, for all trials.

    Raises:
        InputError: Optuna is not installed, the folder holds another search, or every trial failed.
    """
    optuna = _optuna()
    fixed = list(overrides or ())
    loaded = load_recipe(given, fixed)
    if loaded.recipe.target is None:
        raise SettingsError("this recipe names no target", location=loaded.path, hint="Add 'target:'", code="no-target")
    label = variant or loaded.recipe.variants[-1]
    fixed += [f"variants=[{label}]", f"seeds=[{loaded.recipe.seeds[0]}]"]
    loaded = load_recipe(given, fixed)
    _check_reads(loaded, label, space)
    _check_values(given, fixed, space)
    with alone_in(folder):
        _claim(folder, loaded, space)
        plan = make_plan(loaded)
        source = source_from(plan, folder / "source", runtime, with_s2idm=plan.needs_s2idm)

        def score(changes: list[str]) -> float:
            changed = load_recipe(given, [*fixed, *changes])
            mark = hashlib.sha256(json.dumps(changes).encode()).hexdigest()[:12]
            place = folder / f"trial-{mark}"
            run = target_from(make_plan(changed, source), source, place, runtime)
            shutil.rmtree(place)  # test figures must not influence the search
            return run.metrics.variants[run.variant.label].selection.mean

        before = _baseline(folder, score)
        study = _study(optuna, folder, loaded.recipe.seeds[0])
        _search(optuna, study, space, trials, score, runtime)
        return _finish(optuna, study, folder, given, fixed, before, loaded)


def _check_reads(loaded: LoadedRecipe, label: str, space: Space) -> None:
    """Raise if the variant is a baseline, which reads the settings of its own system only, and the space has none."""
    (variant,) = variants_of(loaded.recipe)
    own = f"systems.{variant.architecture}."
    if is_baseline(variant) and not any(key.startswith(own) for key in space.keys):
        raise SettingsError(
            f"the baseline {label!r} reads none of these settings: {', '.join(space.keys)}",
            location="--variant",
            hint="Tune a model that is trained, such as sasrec",
            code="variant",
        )


def _check_values(given: str, fixed: list[str], space: Space) -> None:
    """Raise if a key or a value is wrong by itself, before anything is trained.

    A value may contradict the unchanged recipe and fit another value of the space: that is left to the trials.
    """
    for key, values in space.keys.items():
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            try:
                variants_of(load_recipe(given, [*fixed, f"{key}={json.dumps(value)}"]).recipe)
            except InputError as error:
                if key in str(error.location):
                    raise


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise SettingsError(
            "Optuna is not installed", location="tune", hint='pip install "sememe-transfer[tune]"', code="no-extra"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _claim(folder: Path, loaded: LoadedRecipe, space: Space) -> None:
    """Store the search space, and raise if the folder holds another one."""
    now = json.loads(
        json_text({"recipe": loaded.recipe.model_dump(mode="json"), "space": space.model_dump(mode="json")})
    )
    path = folder / CLAIM
    if not path.exists():
        write_json(path, now)
        return
    before = read_json(path)
    if before != now:
        differs = [key for key in now["recipe"] if before.get("recipe", {}).get(key) != now["recipe"][key]] or ["space"]
        raise RunError(
            f"this folder holds a search of another recipe or space (differs: {', '.join(differs)})",
            location=folder,
            hint="Choose another --out, or delete the folder",
            code="run-differs",
        )


def _baseline(folder: Path, score: Score) -> float:
    """Return the score of the unchanged recipe, measured once."""
    path = folder / "before.json"
    if not path.exists():
        write_json(path, {"validation": score([])})
    return float(read_json(path)["validation"])


def _study(optuna: Any, folder: Path, seed: int) -> Any:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(folder / STORAGE)))
    study = optuna.create_study(storage=storage, study_name="tune", direction="maximize", load_if_exists=True)
    # The sampler's state is not stored. A seed for each session keeps it from drawing the same values again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    running = optuna.trial.TrialState.RUNNING
    for trial in study.get_trials(deepcopy=False, states=(running,)):  # killed trials are tried again first
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


def _search(optuna: Any, study: Any, space: Space, trials: int, score: Score, runtime: Runtime) -> None:
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    while (done := len(study.get_trials(deepcopy=False, states=ended))) < trials:
        trial = study.ask()
        values = {key: _draw(trial, key, allowed) for key, allowed in space.keys.items()}
        changes = [f"{key}={json.dumps(value)}" for key, value in values.items()]
        runtime.log(f"Trial {done + 1} of {trials}: {', '.join(changes)}")
        try:
            found = score(changes)
        except RunError:
            raise
        except InputError as error:  # values that contradict each other, or a diverged training
            runtime.warn(f"This trial failed: {error}")
            trial.set_user_attr("problem", str(error))
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            continue
        study.tell(trial, found)


def _draw(trial: Any, key: str, allowed: Any) -> Any:
    if not isinstance(allowed, Range):
        return trial.suggest_categorical(key, list(allowed))
    if allowed.whole:
        return trial.suggest_int(key, allowed.low, allowed.high, step=allowed.step or 1, log=allowed.log)
    return trial.suggest_float(key, allowed.low, allowed.high, step=allowed.step, log=allowed.log)


def _finish(
    optuna: Any, study: Any, folder: Path, given: str, fixed: list[str], before: float, loaded: LoadedRecipe
) -> Found:
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    failed = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.PRUNED,))
    if not complete:
        problem = failed[-1].user_attrs.get("problem", "") if failed else "no trial"
        raise RunError(f"every trial failed: {problem}", location=folder, hint="Narrow the space", code="trials-failed")
    top = max(complete, key=lambda trial: trial.value)
    better = top.value > before
    values = dict(top.params) if better else {}
    changes = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    metric = loaded.recipe.training.metric
    text = (
        f"# Found by transfer tune in {len(complete)} trials: {metric} {max(top.value, before):.4g} on validation, "
        f"{before:.4g} before.\n# The search did not look at test figures. Run this recipe with several seeds to see "
        "them.\n"
    )
    # Keep the variants and seeds of the recipe, not those of the search.
    recipe = load_recipe(given, [one for one in fixed if not one.startswith(("variants=", "seeds="))] + changes)
    write_text(folder / FOUND, text + _yaml(recipe.recipe, recipe.folder))
    return Found(
        metric=metric,
        before=before,
        best=max(top.value, before),
        values=values,
        trials=len(complete),
        failed=len(failed),
        recipe=folder / FOUND,
    )


def _yaml(recipe: Recipe, base: Path) -> str:
    """Return a recipe as YAML, with the keys that its author or the search set, and with absolute paths."""
    data = recipe.model_dump(mode="json", exclude_unset=True)
    data["sources"] = [_domain(spec, base) for spec in recipe.sources]
    if recipe.target is not None:
        data["target"] = _domain(recipe.target, base)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _domain(spec: DomainSpec, base: Path) -> dict[str, Any]:
    options = check_options(find_loader(spec.loader), spec.options, {"base": base})
    data = spec.model_dump(mode="json", exclude_unset=True)
    data["options"] = options.model_dump(mode="json", exclude_unset=True)
    return data
