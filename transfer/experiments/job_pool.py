"""Run the jobs of an experiment in parallel processes, and note which of them failed."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from domains.errors import InputError, RunError
from transfer.experiments.jobs import Cell
from transfer.progress import LOGGER, PlannedStep, Progress, Steps
from transfer.report.experiment_record import UnfinishedRecord

Work = TypeVar("Work")
Result = TypeVar("Result")
A_WORK = 60.0
"""Seconds of a work before the first is measured; after that only their equality counts."""


@dataclass(frozen=True)
class Failed:
    """Result of a job that failed.

    Attributes:
        error: the exception of the job.
    """

    error: Exception


def default_workers(device: str) -> int:
    """Return one process per core, or one in total with a GPU."""
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return 1 if on_gpu else max(1, os.cpu_count() or 1)


def run_all(
    function: Callable[[Work], Result],
    works: Sequence[Work],
    workers: int,
    progress: Progress,
    title: str,
    describe: Callable[[Work], str],
) -> list[Result | Failed]:
    """Run all jobs and return their results in order; a failing job does not stop the others.

    Each process uses cores / processes threads. With one worker, jobs run in this process.

    Args:
        function: importable from a module; jobs and results must be picklable.
        works: the jobs, independent of each other.
        workers: number of processes.
        progress: one step per finished job, and a line per failed job.
        title: title of the progress bar.
        describe: returns a readable name of a job.

    Raises:
        InputError: a process was killed from outside, so the other results are lost.
    """
    if workers <= 1 or len(works) <= 1:
        outcomes: list[Result | Failed] = []
        steps = Steps()
        steps.expect([PlannedStep(f"{title}: {describe(work)}", A_WORK, title) for work in works])
        for work in works:
            steps.begin(f"{title}: {describe(work)}")
            outcomes.append(_outcome(partial(function, work), describe(work)))
        return outcomes
    workers = min(workers, len(works))
    threads = max(1, (os.cpu_count() or 1) // workers)
    found: dict[int, Result | Failed] = {}
    with progress.task(title, len(works)) as task, _pool(workers, threads) as pool:
        running = {pool.submit(function, work): place for place, work in enumerate(works)}
        for future in as_completed(running):
            place = running[future]
            found[place] = _outcome(future.result, describe(works[place]))
            task.advance(1, describe(works[place]))
    return [found[place] for place in range(len(works))]


@contextmanager
def _pool(workers: int, threads: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose processes are ended at once if the block raises: what they have finished is on disk."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (threads,))
    try:
        yield pool
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()


def _outcome(result: Callable[[], Result], name: str) -> Result | Failed:
    """Return the result of a job or its failure. Failures are logged at once, because other jobs may take hours."""
    try:
        return result()
    except BrokenProcessPool:
        raise RunError(
            "a process was killed from outside, most likely because memory ran out",
            hint="Run the same command with fewer --workers; finished parts are reused",
            code="killed",
        ) from None
    except Exception as error:
        LOGGER.warning(f"{name} failed: {error}")
        return Failed(error)


def _begin(threads: int) -> None:
    """Initialise a worker process."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit when the parent is killed, so that workers do not continue beside the next run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Unfinished:
    """The failed cells, each with its first error."""

    def __init__(self) -> None:
        self._errors: dict[str, Exception] = {}

    def __contains__(self, cell: Cell) -> bool:
        return cell.key in self._errors

    def sift(self, outcomes: Sequence[tuple[Cell, Result | Failed]]) -> list[Result]:
        """Return the successful results; record the cells of the others as failed."""
        results = []
        for cell, outcome in outcomes:
            if isinstance(outcome, Failed):
                self._errors.setdefault(cell.key, outcome.error)
            else:
                results.append(outcome)
        return results

    def rows(self) -> tuple[UnfinishedRecord, ...]:
        """Return the key and reason of each failed cell, for the record."""
        return tuple(UnfinishedRecord(key=key, reason=str(error)) for key, error in self._errors.items())

    def raise_first(self, finished: int, folder: Path) -> None:
        """Raise the first error, if any. An input error also reports the number and folder of finished cells.

        Args:
            finished: number of finished cells.
            folder: folder of their tables.

        Raises:
            Exception: the error of the first failed cell.
        """
        for error in self._errors.values():
            if not finished or not isinstance(error, InputError):
                raise error
            rest = f"{finished} of {finished + len(self._errors)} entries are finished: their tables are in {folder}"
            hint = rest if error.hint is None else f"{error.hint}. {rest}"
            raise InputError(error.problem, location=error.location, hint=hint, code=error.code)
