"""Run an experiment: fit sources, run jobs, write the record. Finished parts are reused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domains.errors import within
from recipes.experiment_schema import LoadedExperiment, published, published_cost
from transfer.experiments.cost import measure_cost
from transfer.experiments.gather import gather, made_note
from transfer.experiments.job_pool import Unfinished, default_workers, run_all
from transfer.experiments.jobs import Cell, Job, cells_of, jobs_of
from transfer.files import JsonLines, alone_in, write_json, write_text
from transfer.report.experiment_record import CellRecord, Cost, ExperimentRecord, PublishedCost, PublishedFigures
from transfer.report.experiment_report import markdown, page
from transfer.runs.adapt import adapt_target
from transfer.runs.artifact import LOG, claim
from transfer.runs.checks import variants_of
from transfer.runs.pipeline import source_from
from transfer.runs.plan import make_plan
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import KIND as TARGET
from transfer.runtime import Runtime

METRICS = "metrics.json"
TABLE = "table.md"
REPORT = "report.html"


@dataclass(frozen=True)
class Place:
    """Folder and device of an experiment, for its processes.

    Attributes:
        folder: folder of the experiment.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    folder: Path
    device: str

    def cell(self, cell: Cell) -> Path:
        """Folder of the target run of a cell."""
        return self.folder / "cells" / cell.key

    def source(self, cell: Cell) -> Path:
        """Folder of the source artifact of a cell."""
        return self.folder / "sources" / cell.source_key


def run_experiment(
    loaded: LoadedExperiment,
    folder: Path,
    runtime: Runtime,
    *,
    device: str = "auto",
    workers: int | None = None,
    quick: bool = False,
    overrides: Sequence[str] = (),
) -> ExperimentRecord:
    """Run an experiment and write `metrics.json`, `table.md` and `report.html`.

    If a cell fails, the other cells are finished and written first; then its error is raised.

    Args:
        loaded: the experiment.
        folder: folder of the results. The same command resumes an interrupted experiment.
        runtime: progress, and the device of this process.
        device: device of the worker processes.
        workers: number of processes; by default one per core, or one on a GPU.
        quick: sample users, few epochs, one seed.
        overrides: ``key=value`` for every recipe.

    Returns:
        The record written to `metrics.json`.

    Raises:
        InputError: a recipe or its data are wrong, the folder holds results of other settings, or a cell failed.
    """
    cells = cells_of(loaded, quick, overrides)
    place = Place(folder, device)
    count = default_workers(device) if workers is None else workers
    progress = runtime.progress
    with alone_in(folder):
        sources = {cell.source_key: cell for cell in cells}
        fits = [(place, cell) for cell in sources.values()]
        for cell in cells:
            with within(cell.key):
                claim(place.cell(cell), TARGET)
                make_plan(cell.main)
                for recipe in cell.recipes:
                    variants_of(recipe)
        unfinished = Unfinished()
        fitted = run_all(_fit, fits, count, progress, "Sources", lambda work: work[1].main.recipe.name)
        outcome_of = dict(zip(sources, fitted, strict=True))
        unfinished.sift([(cell, outcome_of[cell.source_key]) for cell in cells])
        jobs = [job for cell in cells if cell not in unfinished for job in jobs_of(cell)]
        # Longest jobs first, so that no core runs a long job alone at the end.
        jobs.sort(key=lambda job: -len(job.variants))
        open_jobs = [(place, job) for job in jobs if not job.is_done(place.cell(job.cell))]
        if len(open_jobs) < len(jobs):
            runtime.log(f"{len(jobs) - len(open_jobs)} of {len(jobs)} runs are already finished")
        trained = run_all(_train, open_jobs, count, progress, "Runs", lambda work: work[1].title)
        unfinished.sift([(job.cell, outcome) for (_, job), outcome in zip(open_jobs, trained, strict=True)])
        whole = [(place, cell) for cell in cells if cell not in unfinished]
        outcomes = run_all(_gather, whole, count, progress, "Tables", lambda work: work[1].label)
        gathered = unfinished.sift([(cell, outcome) for (_, cell), outcome in zip(whole, outcomes, strict=True)])
        if not gathered:
            unfinished.raise_first(0, folder)
        record = ExperimentRecord(
            name=loaded.experiment.name,
            description=loaded.experiment.description,
            made=made_note(loaded, runtime.device, quick, overrides),
            cells=tuple(gathered),
            unfinished=unfinished.rows(),
            reference=tuple(PublishedFigures(**published(one).as_dict()) for one in loaded.experiment.reference),
            cost=_cost(loaded, folder, runtime, quick),
        )
        write_json(folder / METRICS, record.as_dict())
        write_text(folder / TABLE, markdown(record))
        write_text(folder / REPORT, page(record))
        unfinished.raise_first(len(gathered), folder)
        return record


def _runtime(place: Place) -> Runtime:
    return Runtime.current(place.device)


def _fit(work: tuple[Place, Cell]) -> None:
    """Fit the source artifact of a cell, or reuse an existing one if it matches recipe and data."""
    place, cell = work
    with within(cell.key):
        source_from(make_plan(cell.main), place.source(cell), _runtime(place))


def _train(work: tuple[Place, Job]) -> None:
    """Run a recipe with one seed; checkpoints go to the cell's folder."""
    place, job = work
    cell, runtime = job.cell, _runtime(place)
    update = {"variants": job.variants, "seeds": (job.seed,)}
    recipe = cell.main.recipe.model_copy(update=update)
    with within(f"{cell.key} · seed {job.seed}"):
        source = SourceArtifact.read(place.source(cell))
        plan = make_plan(replace(cell.main, recipe=recipe), source)
        adapt_target(plan, source, place.cell(cell), runtime)


def _gather(work: tuple[Place, Cell]) -> CellRecord:
    place, cell = work
    with within(cell.key):
        return gather(cell, place.source(cell), place.cell(cell), _runtime(place))


def _cost(loaded: LoadedExperiment, folder: Path, runtime: Runtime, quick: bool) -> Cost | None:
    """Measure the cost in this process only, because parallel jobs would distort the times."""
    settings = loaded.experiment.cost
    if settings is None:
        return None
    if quick:
        settings = settings.model_copy(update={"items": settings.items[:2], "users": min(settings.users, 500)})
    log = JsonLines(folder / LOG)
    rows = tuple(measure_cost(settings, runtime, log))
    return Cost(settings=settings.model_dump(mode="json"), rows=rows, published=PublishedCost(**published_cost()))
