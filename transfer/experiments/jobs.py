"""Split an experiment into cells (one recipe under one protocol) and jobs (one seed of a cell)."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domains.errors import InputError, SettingsError, explain, within
from recipes.experiment_schema import Entry, Experiment, LoadedExperiment
from recipes.load import LoadedRecipe, apply_override, find_recipe, load_recipe
from recipes.presets import overlaid
from recipes.schema import Recipe
from transfer.runs.checkpoints import checkpoint_path
from transfer.runs.checks import is_baseline, variants_of
from transfer.runs.pipeline import source_settings
from transfer.variants import comparisons, parse_variant

QUICK: dict[str, Any] = {
    "sample_users": 300,
    "s2idm": {"epochs": 5, "learning_rate": 0.001},
    "training": {"base_epochs": 4, "epochs": 3},
}
"""Settings of `--quick`: they test that every part works. The figures mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One recipe under one protocol and share of users: one table of results.

    Attributes:
        key: name of its folder, unique in the experiment.
        label: name of the recipe in tables.
        protocol: name of the protocol's settings; empty if there is only one.
        main: recipe with the variants that run with every seed, and all baselines.
        extra: recipe with the variants that run with fewer seeds, and those they are compared with; None if there are
            none.
        published: TABLE/COLUMN of published figures to show with it.
        thresholds: known anchors up to which users count as few-shot users.
    """

    key: str
    label: str
    protocol: str
    main: LoadedRecipe
    extra: LoadedRecipe | None
    published: str | None
    thresholds: tuple[int, ...] = ()

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipe with all seeds, and the one with fewer seeds if there is one."""
        return tuple(loaded.recipe for loaded in (self.main, self.extra) if loaded is not None)

    @property
    def source_key(self) -> str:
        """Folder name of its source artifact; cells with the same sources share it."""
        deciding = source_settings(self.main.recipe)
        digest = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
        return f"{self.main.recipe.name}-{digest[:8]}"


@dataclass(frozen=True)
class Job:
    """Work of one process: the variants of one seed, which share bases, interests and data.

    Attributes:
        cell: cell of the job.
        seed: seed of the run.
        variants: variants, perhaps including baselines.
    """

    cell: Cell
    seed: int
    variants: tuple[str, ...]

    @property
    def title(self) -> str:
        """For progress."""
        return f"{self.cell.key} · seed {self.seed} · {', '.join(self.variants)}"

    def is_done(self, folder: Path) -> bool:
        """Whether all checkpoints are in the cell's folder."""
        return all(checkpoint_path(folder, v, self._checkpoint_seed(v), "done").is_file() for v in self.variants)

    def _checkpoint_seed(self, variant: str) -> int:
        channels = self.cell.main.recipe.items.channels
        return 0 if is_baseline(parse_variant(variant, channels)) else self.seed


def cells_of(loaded: LoadedExperiment, quick: bool = False, overrides: Sequence[str] = ()) -> tuple[Cell, ...]:
    """List the cells: every recipe under every protocol and share of users.

    Args:
        loaded: the experiment.
        quick: sample users, few epochs, one seed.
        overrides: ``key=value`` for every recipe; highest priority. ``shots=[0, 0.05]`` changes the shares of the
            experiment.

    Raises:
        InputError: a recipe is wrong, or two labels give the same folder, or a label gives none.
    """
    loaded, overrides = _with_shots(loaded, overrides)
    experiment = loaded.experiment
    cells = tuple(
        _cell(loaded, entry, protocol, settings, share, quick, overrides)
        for entry in experiment.experiment
        for protocol, settings in (experiment.protocols or {"": {}}).items()
        for share in experiment.shots or (None,)
    )
    _check_distinct_folders(cells, loaded.path)
    return cells


def _with_shots(loaded: LoadedExperiment, overrides: Sequence[str]) -> tuple[LoadedExperiment, list[str]]:
    """Move `shots` from the overrides to the experiment, unless it has no shares and one share is given."""
    shots = [override for override in overrides if _key(override) == "shots"]
    others = [override for override in overrides if _key(override) != "shots"]
    if not shots:
        return loaded, list(overrides)
    text = shots[-1].partition("=")[2].strip()
    several = text.startswith("[") or "," in text
    if loaded.experiment.shots is None and not several:
        return loaded, list(overrides)
    given: dict[str, Any] = {}
    apply_override(given, f"shots={text if text.startswith('[') else f'[{text}]'}")
    try:
        experiment = Experiment.model_validate(loaded.experiment.model_dump() | given)
    except ValidationError as error:
        raise explain(error, Experiment, "--set ") from None
    return replace(loaded, experiment=experiment), others


def _check_distinct_folders(cells: Sequence[Cell], place: Path) -> None:
    hint = "Use labels and protocols that differ in letters or digits"
    first: dict[str, Cell] = {}
    for cell in cells:
        if not cell.key:
            raise SettingsError(
                f"the label {cell.label!r} cannot be a folder name", location=place, hint=hint, code="label"
            )
        other = first.setdefault(cell.key, cell)
        if other is not cell:
            names = " and ".join(repr(_name(one.label, one.protocol)) for one in (other, cell))
            raise SettingsError(f"{names} would share the folder {cell.key!r}", location=place, hint=hint, code="label")


def _cell(
    loaded: LoadedExperiment,
    entry: Entry,
    protocol: str,
    settings: dict[str, Any],
    share: float | None,
    quick: bool,
    overrides: Sequence[str],
) -> Cell:
    experiment = loaded.experiment
    named = {"seeds": experiment.seeds, "variants": experiment.variants}
    merged: dict[str, Any] = {key: list(value) for key, value in named.items() if value is not None}
    for layer in (experiment.settings, entry.settings, settings, QUICK if quick else {}):
        merged = overlaid(merged, layer)
    if share is not None:
        merged["shots"] = share
    place = loaded.recipe_path(entry)
    if quick:
        merged["seeds"] = (merged.get("seeds") or list(load_recipe(place).recipe.seeds))[:1]
    try:
        main, extra = _recipes(experiment, place, merged, overrides)
    except InputError as error:
        raise _blamed(error, loaded, entry, protocol, overrides) from None
    label = entry.label or main.recipe.name
    parts = (_slug(label), _slug(protocol), "" if share is None else f"shots-{share:g}")
    key = ".".join(part for part in parts if part)
    return Cell(
        key=key,
        label=label,
        protocol=protocol,
        main=main,
        extra=extra,
        published=entry.published,
        thresholds=experiment.known_anchors,
    )


def _recipes(
    experiment: Experiment, place: str, merged: dict[str, Any], overrides: Sequence[str]
) -> tuple[LoadedRecipe, LoadedRecipe | None]:
    """Return the recipe of the variants with all seeds, and that of the variants with fewer."""
    main = load_recipe(place, overrides, merged)
    extra = None
    extras = () if _name_variants(overrides) else experiment.extra_variants
    more = [name for name in extras if name not in main.recipe.variants]
    with within(main.recipe.name):
        baselines = [name for name in more if is_baseline(parse_variant(name, main.recipe.items.channels))]
    trained = [name for name in more if name not in baselines]
    if baselines:
        main = load_recipe(place, [*overrides, f"variants={[*main.recipe.variants, *baselines]}"], merged)
    if trained:
        rivals = _rivals(main.recipe, trained)
        seeds = [seed for seed in experiment.extra_seeds if seed in main.recipe.seeds] or list(main.recipe.seeds[:1])
        extra = load_recipe(place, [*overrides, f"variants={[*rivals, *trained]}", f"seeds={seeds}"], merged)
    return main, extra


def _blamed(
    error: InputError, loaded: LoadedExperiment, entry: Entry, protocol: str, overrides: Sequence[str]
) -> InputError:
    """Locate an error: in the recipe if it is invalid by itself, else in the experiment."""
    given = loaded.recipe_path(entry)
    try:
        load_recipe(given, overrides)
    except InputError as alone:
        if str(alone) == str(error):
            return error
    ours = f"{loaded.path} ({_name(entry.label or entry.recipe, protocol)})"
    return InputError(
        error.problem,
        location=str(error.location).replace(str(find_recipe(given)), ours),
        hint=error.hint,
        code=error.code,
    )


def _name_variants(overrides: Sequence[str]) -> bool:
    """Whether the command line sets the variants."""
    return any(_key(override) == "variants" for override in overrides)


def _key(override: str) -> str:
    return override.partition("=")[0].strip()


def _rivals(recipe: Recipe, extras: Sequence[str]) -> list[str]:
    """Return the variants with all seeds that the extra variants are compared with."""
    channels = recipe.items.channels
    there = [parse_variant(name, channels) for name in recipe.variants]
    more = {parse_variant(name, channels) for name in extras}
    pairs = [pair for pair in comparisons([*there, *more], is_baseline) if not more.isdisjoint(pair)]
    return [variant.label for variant in there if any(variant in pair for pair in pairs)]


def jobs_of(cell: Cell) -> tuple[Job, ...]:
    """List the jobs of a cell, one per seed of what is trained. The first one also runs the baselines."""
    wanted: dict[int, dict[str, None]] = {}
    baselines: dict[str, None] = {}
    for recipe in cell.recipes:
        for variant in variants_of(recipe):
            if is_baseline(variant):
                baselines[variant.label] = None
                continue
            for seed in recipe.seeds:
                wanted.setdefault(seed, {})[variant.label] = None
    jobs = [Job(cell, seed, tuple(names)) for seed, names in sorted(wanted.items())]
    if baselines:
        first = jobs[0] if jobs else Job(cell, cell.main.recipe.seeds[0], ())
        jobs[:1] = [Job(cell, first.seed, (*baselines, *first.variants))]
    return tuple(jobs)


def _name(label: str, protocol: str) -> str:
    """Return a readable name of a recipe under a protocol."""
    return f"{label} · {protocol}" if protocol else label


def _slug(text: str) -> str:
    """Keep letters and digits of any script, in one Unicode form, because file systems treat forms differently."""
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", text)).strip("-").lower()
