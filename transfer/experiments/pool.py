"""Independent pieces of work in processes that share the cores evenly."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch

from domains.errors import InputError
from transfer.progress import LOGGER, Progress

Work = TypeVar("Work")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failed:
    """Stands where the result of a work would.

    Attributes:
        error: what the work raised.
    """

    error: Exception


def default_workers(device: str) -> int:
    """One process a core; one alone where a GPU does the work."""
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
    """Results in the order of the works; where a work raises, the others go on.

    A process uses as many threads as cores divided by processes, so that together they use each core once. One worker
    means this process itself.

    Args:
        function: importable from a module; a work and its result must cross a process boundary.
        works: independent of each other.
        workers: processes at a time.
        progress: one step a finished work, and a line for one that fails.
        title: of the progress.
        describe: a work, for people.

    Raises:
        InputError: a process was killed from outside; with it the others are lost.
    """
    if workers <= 1 or len(works) <= 1:
        outcomes: list[Result | Failed] = []
        for number, work in enumerate(works, 1):
            LOGGER.info(f"{title} {number} of {len(works)}: {describe(work)}")
            outcomes.append(_outcome(partial(function, work), describe(work)))
        return outcomes
    workers = min(workers, len(works))
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    with (
        progress.task(title, len(works)) as task,
        ProcessPoolExecutor(workers, context, _begin, (threads,)) as pool,
    ):
        running = {pool.submit(function, work): place for place, work in enumerate(works)}
        found: dict[int, Result | Failed] = {}
        try:
            for future in as_completed(running):
                place = running[future]
                found[place] = _outcome(future.result, describe(works[place]))
                task.advance(1, describe(works[place]))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [found[place] for place in range(len(works))]


def _outcome(result: Callable[[], Result], name: str) -> Result | Failed:
    """What a work gave, or why it gave nothing; told at once, as the others may take hours yet."""
    try:
        return result()
    except BrokenProcessPool:
        raise InputError(
            "a process was killed from outside, most likely because memory ran out",
            hint="Run the same command with fewer --workers: it goes on from what was finished",
        ) from None
    except Exception as error:
        LOGGER.warning(f"{name} failed: {error}")
        return Failed(error)


def _begin(threads: int) -> None:
    """What a process does before its first work."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Killed, a parent cannot end its processes; left alone, they would work on beside the run that takes over."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
