"""The Python API: open domains, train, evaluate and recommend.

`import transfer` gives all of these: `domain_from_frames`, `open_domain`, `fit`, `load_source`, `adapt`,
`train`, `load_run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from domains.data_frames import from_frames, read_new_items
from domains.domain import Domain
from domains.errors import InputError, explain
from domains.open_domain import open_domain as _open_domain
from domains.open_domain import parse_spec
from domains.settings import ColumnMapping, PrepareSettings
from recipes.load import check_recipe
from recipes.presets import overlaid, with_preset
from recipes.schema import Recipe
from transfer.frames import FrameKind, as_kind
from transfer.progress import Progress
from transfer.report.record import RunRecord
from transfer.runs.artifact import CONFIG, claim
from transfer.runs.fit_source import fit_source
from transfer.runs.pipeline import run_plan, source_from, target_from
from transfer.runs.plan import plan_of
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import KIND as TARGET
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.serving.batch import Written, recommend_all
from transfer.serving.new_items import run_with
from transfer.serving.opened import open_run, with_variant
from transfer.serving.recommend import Filters, History, NewRecommendation, Recommendation, Recommender

__all__ = ["Run", "adapt", "domain_from_frames", "fit", "load_run", "load_source", "open_domain", "train"]

Checked = TypeVar("Checked", bound=BaseModel)
AnySettings = Mapping[str, Any] | BaseModel
"""Settings of a recipe as nested keys, or settings objects such as ``{"training": TrainingSettings(epochs=30)}``."""

DATA_KEYS = ("sources", "target", "sample_users", "source_part")
"""Keys of a recipe that choose the data."""
MEMORY = "in memory"
"""Stands for the folder of a domain that came as a value, in the recipe that an artifact keeps."""


class Run:
    """A finished run: its model, metrics and recommendations.

    Args:
        target: what `adapt-target` writes.
        folder: where it is.
        new_items: how many of its last items `with_items` added.
    """

    def __init__(self, target: TargetRun, folder: Path, new_items: int = 0) -> None:
        self.target, self.folder, self.new_items = target, folder, new_items

    def __repr__(self) -> str:
        """Show variant, domain and folder."""
        return f"<Run {self.variant} on {self.target.domain.name}, in {self.folder}>"

    @property
    def variant(self) -> str:
        """The variant that recommends: the best one on validation."""
        return self.target.variant.label

    @property
    def record(self) -> RunRecord:
        """Metrics, comparisons and choices of the run, typed."""
        return self.target.metrics

    @property
    def metrics(self) -> dict[str, Any]:
        """Contents of `metrics.json` as plain data; see `record` for typed contents."""
        return self.target.metrics.as_dict()

    def results(self, as_: FrameKind = "polars") -> Any:
        """Every figure of every variant: variant, stage, protocol, metric, mean, std.

        Args:
            as_: ``polars`` or ``pandas``.
        """
        import polars as pl

        rows = [
            (name, stage, protocol, metric, value.mean, value.std)
            for name, variant in self.record.variants.items()
            for stage, protocols in (("validation", variant.validation), ("test", variant.test))
            for protocol, values in protocols.items()
            for metric, value in values.items()
        ]
        columns = ["variant", "stage", "protocol", "metric", "mean", "std"]
        return as_kind(pl.DataFrame(rows, schema=columns, orient="row"), as_)

    def recommend(
        self,
        *,
        user: str | int | None = None,
        history: str | Sequence[str] | None = None,
        interests: str | Sequence[str] | None = None,
        count: int = 10,
        filters: Filters | None = None,
    ) -> list[Recommendation]:
        """Recommend items for a user of the target, for a history, or for words of interest.

        Args:
            user: id of a known user; all of their interactions count.
            history: titles or ids of the target's items, oldest first.
            interests: words instead of a history.
            count: number of items.
            filters: restricts the items; see `transfer.serving.recommend.Filters.of_ids`.

        Raises:
            InputError: not exactly one of the three is given, or it is unknown.
        """
        past = self._asked(user, history, interests, count)
        if isinstance(past, History):
            return self._recommender.recommend(past, count, filters or Filters())
        return self._recommender.recommend_for(past, count, filters or Filters())

    def recommend_new(
        self,
        *,
        user: str | int | None = None,
        history: str | Sequence[str] | None = None,
        interests: str | Sequence[str] | None = None,
        count: int = 10,
        filters: Filters | None = None,
    ) -> list[NewRecommendation]:
        """Recommend items added by `with_items`, each with the rank that it would have among the known items.

        Arguments as for `recommend`.
        """
        past = self._asked(user, history, interests, count)
        if isinstance(past, History):
            return self._recommender.recommend_new(past, count, filters or Filters())
        return self._recommender.recommend_new_for(past, count, filters or Filters())

    def recommend_all(self, out: str | Path, **options: Any) -> Written:
        """Write recommendations for all users, or those of a file, to Parquet.

        Args:
            out: the file.
            **options: options of `transfer.serving.batch.recommend_all`: users, history_file, count, filters, shard,
                reasons.
        """
        return recommend_all(self._recommender, Path(out), **options)

    def _asked(
        self,
        user: str | int | None,
        history: str | Sequence[str] | None,
        interests: str | Sequence[str] | None,
        count: int,
    ) -> History | list[str]:
        """Return the user's history, or words of interest."""
        if sum(given is not None for given in (user, history, interests)) != 1:
            raise InputError("give one of user, history and interests", location="recommend")
        if count < 1:
            raise InputError(f"count must be at least 1, not {count}", location="recommend")
        if user is not None:
            return History.of_user(self.target.domain, str(user))
        if history is not None:
            return History.of_titles(self.target.domain, _listed(history), self._recommender.titles)
        return _listed(interests or ())

    def with_items(self, items: Any) -> Run:
        """Return the run with new items, which are known by their text. Trains nothing.

        Args:
            items: a polars, pandas or Arrow table, or the path of one, with ids and titles, and the categories
                and text fields that the target has.

        Raises:
            InputError: an id is not new or occurs twice, a title is missing, or a sentence encoder is needed and not
                there.
        """
        new = read_new_items(items)
        return Run(run_with(self.target, new), self.folder, self.new_items + len(new.ids))

    def with_variant(self, label: str) -> Run:
        """Return the run with another of its finished variants as the one that recommends.

        Raises:
            InputError: the variant is not finished in the run's folder, or cannot serve.
        """
        return Run(with_variant(self.target, label), self.folder, self.new_items)

    @cached_property
    def _recommender(self) -> Recommender:
        return Recommender(self.target, self.new_items)


def domain_from_frames(
    interactions: Any,
    items: Any,
    *,
    name: str,
    columns: Mapping[str, str] | None = None,
    prepare: Mapping[str, Any] | None = None,
) -> Domain:
    """A domain from two polars, pandas or Arrow tables.

    Args:
        interactions: who did what when.
        items: what the items are called; may be the same table.
        name: of the domain.
        columns: roles (``user``, ``item``, ``time``, ``title``, ...) and the names of their columns; the usual names
            are found without it.
        prepare: settings of the preparation, as in the key ``prepare`` of a recipe's domain.

    Raises:
        InputError: the tables or the settings are wrong.
    """
    mapping = _checked(ColumnMapping, columns or {}, "columns")
    settings = _checked(PrepareSettings, prepare or {}, "prepare")
    return from_frames(interactions, items, columns=mapping, settings=settings, name=name).domain


def open_domain(spec: str | Mapping[str, Any]) -> Domain:
    """A domain as a recipe names it: ``films``, ``movielens:data/ml-1m``, or a mapping of two files.

    Raises:
        InputError: the description or the data are wrong.
    """
    return _open_domain(parse_spec(spec if isinstance(spec, str) else dict(spec))).domain


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
        out: folder to write the artifact to; it is only returned where none is given.
        settings: nested keys of a recipe, for example ``{"s2idm": {"epochs": 50}, "seeds": [1]}``.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show it, for example `transfer.cli.show.Terminal`.

    Raises:
        InputError: data or settings are wrong, or the folder holds an artifact.
    """
    folder = None if out is None else Path(out)
    if folder is not None and (folder / CONFIG).exists():
        raise InputError("this folder holds an artifact already", location=folder, hint="Choose another, or load it")
    if isinstance(sources, str):
        sources = [sources]
    opened = [source if isinstance(source, Domain) else open_domain(source) for source in sources]
    named = [_spec_of(source) for source in sources]
    recipe = _recipe({"name": "+".join(domain.name for domain in opened), "sources": named}, settings)
    runtime = Runtime.current(device, progress)
    plan = plan_of(recipe, opened, target, adapts=False)
    if folder is None:
        return fit_source(plan, runtime).artifact
    return replace(source_from(plan, folder, runtime), folder=folder)


def load_source(place: str | Path) -> SourceArtifact:
    """Load a source artifact from its folder or by its hub id.

    Raises:
        InputError: it is missing, damaged, of another kind or version.
    """
    return SourceArtifact.load(place)


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
        source: from `fit` or `load_source`, or its folder or hub id.
        target: a domain, or its description as in a recipe.
        out: folder of the run. An interrupted call resumes.
        settings: nested keys of a recipe that override those of the source, for example
            ``{"variants": ["sasrec", "sasrec+ipe+s2idm"], "training": {"epochs": 30}}``. Settings fixed by the source
            (vocabulary, interests, s2idm, ...) do not change; a warning lists the differences.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show it.

    Raises:
        InputError: data or settings are wrong, the source cannot be loaded, the target shares no anchor with it, or
            the folder holds a run of other settings or data.
    """
    source = source if isinstance(source, SourceArtifact) else load_source(source)
    domain = target if isinstance(target, Domain) else open_domain(target)
    base = {**source.recipe, "name": f"{source.recipe.get('name') or 'source'}-to-{domain.name}"}
    recipe = _recipe({**base, "target": _spec_of(target), "sample_users": None}, settings)
    folder = Path(out)
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
        target: a domain, or what a recipe calls it.
        out: folder for ``source`` and ``target``. An interrupted call resumes.
        sources: domains to learn from; by default, only the target is used.
        settings: nested keys of a recipe.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show it.

    Raises:
        InputError: data or settings are wrong, or the folder holds results of other settings or data.
    """
    given = [sources] if isinstance(sources, str) else list(sources)
    domain = target if isinstance(target, Domain) else open_domain(target)
    opened = [source if isinstance(source, Domain) else open_domain(source) for source in given]
    data = {"name": domain.name, "sources": [_spec_of(source) for source in given], "target": _spec_of(target)}
    plan = plan_of(_recipe(data, settings), opened, domain)
    runtime, folder = Runtime.current(device, progress), Path(out)
    claim(folder / "target", TARGET)
    run = run_plan(plan, folder, runtime)
    return Run(replace(run, folder=folder / "target"), folder / "target")


def load_run(place: str | Path) -> Run:
    """Load a target run from its folder or by its hub id.

    Raises:
        InputError: it is missing, damaged, of another kind or version.
    """
    run = open_run(place)
    return Run(run, run.folder or Path(place))


def _listed(given: str | Sequence[str]) -> list[str]:
    """Return one text or several as a list.

    Raises:
        InputError: it is neither.
    """
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Sequence):
        raise InputError(f"{given!r} is not a text", location="recommend", hint="Give a text or a list of texts")
    return list(given)


def _spec_of(domain: Domain | str | Mapping[str, Any]) -> Any:
    """Convert a description of a domain to the form of a recipe."""
    if isinstance(domain, Domain):
        return {"name": domain.name, "loader": "saved", "options": {"folder": MEMORY}}
    return domain if isinstance(domain, str) else dict(domain)


def _recipe(data: Mapping[str, Any], settings: AnySettings | None) -> Recipe:
    """A recipe with settings on top. What decides the data stands outside: it is handed over as values."""
    given = _plain(settings or {})
    for key in DATA_KEYS:
        if key in given:
            raise InputError(
                f"{key!r} is no setting here", location="settings", hint="Hand over the domains themselves"
            )
    return check_recipe(overlaid(with_preset(data, given.get("preset")), given), "settings")


def _plain(settings: AnySettings) -> dict[str, Any]:
    """Convert settings objects to nested data, with the explicitly set values only."""
    if isinstance(settings, BaseModel):
        return settings.model_dump(mode="json", exclude_unset=True)
    return {key: _plain(value) if isinstance(value, BaseModel) else value for key, value in settings.items()}


def _checked(model: type[Checked], data: Mapping[str, Any], place: str) -> Checked:
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise explain(error, model, f"{place}.") from error
