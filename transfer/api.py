"""The Python API: open domains, train, evaluate and recommend.

`import transfer` gives all of these: `domain_from_frames`, `open_domain`, `fit`, `load_source`, `adapt`,
`train`, `load_run`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from domains.data_frames import from_frames
from domains.domain import Domain
from domains.errors import RunError, SettingsError, explain
from domains.open_domain import open_domain as _open_domain
from domains.open_domain import parse_spec
from domains.preparation_report import PreparedDomain
from domains.settings import ColumnMapping, PrepareSettings
from recipes.load import check_recipe
from recipes.presets import overlaid, with_preset
from recipes.schema import Recipe, folder_name
from transfer.finished_run import Run, checked_path
from transfer.progress import Progress, TransferWarning
from transfer.runs.artifact import CONFIG, claim
from transfer.runs.checks import check_has_sources
from transfer.runs.fit_source import fit_source
from transfer.runs.pipeline import run_plan, source_from, target_from
from transfer.runs.plan import plan_of
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import KIND as TARGET
from transfer.runtime import Runtime
from transfer.serving.opened import open_run

__all__ = ["Run", "adapt", "domain_from_frames", "fit", "load_run", "load_source", "open_domain", "train"]

Checked = TypeVar("Checked", bound=BaseModel)
AnySettings = Mapping[str, Any] | BaseModel
"""Settings of a recipe as nested keys, or settings objects such as ``{"training": TrainingSettings(epochs=30)}``."""

DATA_KEYS = ("sources", "target", "sample_users", "source_part")
"""Keys of a recipe that choose the data."""
MEMORY = "in memory"
"""Replaces the folder of a domain that was passed as a value, in the recipe that an artifact stores."""


def domain_from_frames(
    interactions: Any,
    items: Any | None = None,
    *,
    name: str,
    columns: Mapping[str, str] | None = None,
    prepare: Mapping[str, Any] | None = None,
) -> Domain:
    """Return a domain made from one or two polars, pandas or Arrow tables.

    Args:
        interactions: one row for each user, item and time. Named levels of a pandas index are columns too.
        items: ids, titles and fields of the items; default: the table of interactions.
        name: name of the domain.
        columns: the column of each role (``user``, ``item``, ``time``, ``title``, ...); by default, columns with the
            usual names are found.
        prepare: settings of the preparation, as in the key ``prepare`` of a recipe's domain.

    Warns:
        TransferWarning: users, items or interactions are left out; it names the settings.

    Raises:
        InputError: the tables, the settings or the name are wrong.
    """
    _check_name(name)
    mapping = _checked(ColumnMapping, columns or {}, "columns")
    settings = _checked(PrepareSettings, prepare or {}, "prepare")
    return _whole(from_frames(interactions, items, columns=mapping, settings=settings, name=name))


def open_domain(spec: str | Path | Mapping[str, Any]) -> Domain:
    """Open a domain by its description in a recipe: ``films``, ``movielens:data/ml-1m``, or a mapping of two files.

    The path of a saved domain is a description as well.

    Warns:
        TransferWarning: users, items or interactions are left out; it names the settings.

    Raises:
        InputError: the description or the data are wrong.
    """
    return _whole(_open_domain(parse_spec(_described(spec))))


def _whole(prepared: PreparedDomain) -> Domain:
    """Return the domain, with a warning for each step of its preparation that left something out."""
    for line in prepared.report.left_out:
        warnings.warn(f"{prepared.domain.name}: {line}", TransferWarning, stacklevel=3)
    return prepared.domain


def fit(
    sources: str | Sequence[str | Mapping[str, Any] | Domain],
    *,
    target: Domain | None = None,
    out: str | Path | None = None,
    settings: AnySettings | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> SourceArtifact:
    """Learn vocabulary and S2IDM from source domains.

    Args:
        sources: domains, or their descriptions as in a recipe.
        target: a domain whose titles are added to the vocabulary; its interactions are not read.
        out: folder to write the artifact to; without it, the artifact is only returned.
        settings: nested keys of a recipe, for example ``{"s2idm": {"epochs": 50}, "seeds": [1]}``.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: shows progress, for example `transfer.cli.output.Terminal`.

    Raises:
        InputError: data or settings are wrong, or the folder holds an artifact.
    """
    folder = None if out is None else Path(checked_path(out, "out"))
    if folder is not None and (folder / CONFIG).exists():
        raise RunError(
            "this folder already holds an artifact",
            location=folder,
            hint="Choose another folder, or load the artifact with load_source",
            code="folder-in-use",
        )
    listed = _several(sources)
    check_has_sources(listed, "sources")
    opened = [source if isinstance(source, Domain) else open_domain(source) for source in listed]
    named = [_spec_of(source) for source in listed]
    recipe = _recipe({"name": "+".join(domain.name for domain in opened), "sources": named}, settings)
    runtime = Runtime.current(device, progress)
    plan = plan_of(recipe, opened, target, adapts=False)
    if folder is None:
        return fit_source(plan, runtime).artifact
    return replace(source_from(plan, folder, runtime), folder=folder)


def load_source(place: str | Path) -> SourceArtifact:
    """Load a source artifact from its folder or by its hub id; ``bundled`` is the one in the package.

    Raises:
        InputError: it is missing, damaged, of another kind or version.
    """
    return SourceArtifact.load(checked_path(place, "place"))


def adapt(
    source: SourceArtifact | str | Path,
    target: Domain | str | Mapping[str, Any],
    *,
    out: str | Path,
    settings: AnySettings | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Run:
    """Train and evaluate every variant on a target domain, and keep the best one on validation.

    Args:
        source: from `fit` or `load_source`, or ``bundled``, its folder or hub id.
        target: a domain, or its description as in a recipe.
        out: folder of the run. An interrupted call resumes.
        settings: nested keys of a recipe that override those of the source, for example
            ``{"variants": ["sasrec", "sasrec+ipe+s2idm"], "training": {"epochs": 30}}``. Settings fixed by the source
            (vocabulary, interests, s2idm, ...) do not change; a warning lists the differences.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: shows progress.

    Raises:
        InputError: data or settings are wrong, the source cannot be loaded, the target shares no anchor with it, or
            the folder holds a run of other settings or data.
    """
    folder = Path(checked_path(out, "out"))
    source = source if isinstance(source, SourceArtifact) else load_source(source)
    domain = target if isinstance(target, Domain) else open_domain(target)
    base = {**source.recipe, "name": f"{source.recipe.get('name') or 'source'}-to-{domain.name}"}
    recipe = _recipe({**base, "target": _spec_of(target), "sample_users": None}, settings)
    claim(folder, TARGET)
    run = target_from(plan_of(recipe, target=domain, source=source), source, folder, Runtime.current(device, progress))
    return Run(replace(run, folder=folder), folder)


def train(
    target: Domain | str | Mapping[str, Any],
    *,
    out: str | Path,
    sources: str | Sequence[str | Mapping[str, Any] | Domain] = (),
    settings: AnySettings | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Run:
    """Fit the sources, if any, and adapt to the target in one call, as `transfer run` does.

    Args:
        target: a domain, or its description as in a recipe.
        out: folder for ``source`` and ``target``. An interrupted call resumes.
        sources: domains to learn from; by default, only the target is used.
        settings: nested keys of a recipe.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: shows progress.

    Raises:
        InputError: data or settings are wrong, or the folder holds results of other settings or data.
    """
    folder, given = Path(checked_path(out, "out")), _several(sources)
    domain = target if isinstance(target, Domain) else open_domain(target)
    opened = [source if isinstance(source, Domain) else open_domain(source) for source in given]
    data = {"name": domain.name, "sources": [_spec_of(source) for source in given], "target": _spec_of(target)}
    plan = plan_of(_recipe(data, settings), opened, domain)
    runtime = Runtime.current(device, progress)
    claim(folder / "target", TARGET)
    run = run_plan(plan, folder, runtime)
    return Run(replace(run, folder=folder / "target"), folder / "target")


def load_run(place: str | Path) -> Run:
    """Load a target run from its folder or by its hub id.

    Raises:
        InputError: it is missing, damaged, of another kind or version.
    """
    run = open_run(checked_path(place, "place"))
    return Run(run, run.folder or Path(place))


def _check_name(name: object) -> None:
    """Raise if a domain cannot have this name, which folders are called by."""
    try:
        if not isinstance(name, str) or not folder_name(name).strip():
            raise ValueError(f"{name!r} is no name")
    except ValueError as error:
        raise SettingsError(
            str(error), location="name", hint='Give a plain name, such as "shop"', code="name"
        ) from None


def _described(given: object) -> str | dict[str, Any]:
    """Return the description of a domain as in a recipe."""
    if isinstance(given, str | Path):
        return str(given)
    if not isinstance(given, Mapping):
        raise SettingsError(
            f"a {type(given).__name__} describes no domain",
            location="domain",
            hint='Give a Domain, a text such as "films", or a mapping of two files',
            code="domain-spec",
        )
    return dict(given)


def _several(given: Any) -> list[Any]:
    """Return one domain, several or none as a list."""
    if given is None or isinstance(given, str | Path | Mapping | Domain):
        return [] if given is None else [given]
    if not isinstance(given, Iterable):
        _described(given)
    return list(given)


def _spec_of(domain: Any) -> Any:
    """Convert a description of a domain to the form of a recipe."""
    if isinstance(domain, Domain):
        return {"name": domain.name, "loader": "saved", "options": {"folder": MEMORY}}
    return _described(domain)


def _recipe(data: Mapping[str, Any], settings: AnySettings | None) -> Recipe:
    """Return a recipe that is overridden by settings. Raise if the settings choose data, which are passed as values."""
    given = _plain(settings if isinstance(settings, BaseModel) else _keys(settings or {}, "settings"))
    for key in DATA_KEYS:
        if key in given:
            raise SettingsError(
                f"{key!r} cannot be set here",
                location="settings",
                hint="Pass the domains as arguments",
                code="unknown-key",
            )
    return check_recipe(overlaid(with_preset(data, given.get("preset")), given), "settings")


def _plain(settings: AnySettings) -> dict[str, Any]:
    """Convert settings objects to nested data, with the explicitly set values only."""
    if isinstance(settings, BaseModel):
        return settings.model_dump(mode="json", exclude_unset=True)
    return {key: _plain(value) if isinstance(value, BaseModel) else value for key, value in settings.items()}


def _checked(model: type[Checked], data: Mapping[str, Any], place: str) -> Checked:
    try:
        return model.model_validate(_keys(data, place))
    except ValidationError as error:
        raise explain(error, model, f"{place}.") from error


def _keys(given: object, argument: str) -> dict[str, Any]:
    """Return nested keys as a dict.

    Raises:
        InputError: they are something else.
    """
    if not isinstance(given, Mapping | BaseModel):
        raise SettingsError(
            f"a {type(given).__name__} has no keys",
            location=argument,
            hint='Give a mapping, such as {"key": value}',
            code="no-keys",
        )
    return dict(given)
