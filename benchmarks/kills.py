"""``python -m benchmarks.kills --count 100``: kill a small run at random moments, and compare all bytes in the end.

A run is started in a process of its own, killed, started again, and so on until it finishes. Every other kill comes
after a random time, the others at a random write: between a file and its rename, or just after it. Every file must then
be, byte for byte, that of a run that nobody disturbed; only times in the training log may differ.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
import yaml

from recipes.load import LoadedRecipe, load_recipe
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runtime import Runtime
from transfer.training.epochs import SUFFIX
from vocab.normalisers.normaliser import make_normaliser
from vocab.settings import NormaliserSettings

RECIPE: dict[str, Any] = {
    "sources": ["books"],
    "target": "films",
    "sample_users": 150,
    "s2idm": {"hidden": 16, "steps": 3, "epochs": 12},
    "source_encoder": {"channels": ["anchors"], "epochs": 6},
    "encoder": {"dim": 16, "max_length": 20},
    "training": {"base_epochs": 10, "epochs": 10},
    "evaluation": {"negatives": 50},
    "variants": ["popular", "sasrec", "sasrec+ipe+s2idm", "sasrec+terms"],
}


MOST_FLUSHES = 50
"""A process that is killed at a write flushes at most this many files and folders; a whole run flushes some hundred."""


def write_recipe(folder: Path) -> Path:
    """The small run as a recipe file."""
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(RECIPE), encoding="utf-8")
    return path


def make_run(loaded: LoadedRecipe, out: Path) -> None:
    """The whole run, with a checkpoint after every epoch."""
    runtime = Runtime(checkpoint_seconds=0.0)
    source = source_from(make_plan(loaded), out / "source", runtime)
    target_from(make_plan(loaded, source), source, out / "target", runtime)


def in_child(work: Callable[[], None]) -> int:
    """Start a copy of this process, with everything imported, that does some work and ends; return its id."""
    child = os.fork()
    if child:
        return child
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        work()
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)


def killed_at_flush(work: Callable[[], None], number: int) -> None:
    """Do some work in a child, and kill it when it flushes a file or folder for this time."""
    left, flush = iter(range(number - 1)), os.fsync

    def last(handle: int) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(handle)

    os.fsync = last  # type: ignore[assignment]
    work()


def finished(child: int, seconds: float | None) -> bool:
    """Wait for a child; kill it after some seconds, and return whether it finished without being killed.

    Raises:
        RuntimeError: it failed, or crashed.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                return False
            if status:
                raise RuntimeError(f"a run that goes on after a kill failed (status {status})")
            return True
        if end is not None and time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.005)


def undisturbed(work: Callable[[], None]) -> None:
    """Do some work in a child, and raise if it does not finish.

    Raises:
        RuntimeError: it failed, crashed or was killed.
    """
    if not finished(in_child(work), None):
        raise RuntimeError("a process was killed by somebody else, perhaps for want of memory")


def contents(folder: Path) -> dict[str, Any]:
    """Every file of a run by name, without the times in its logs and the empty file that locks a folder."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name == "training.jsonl":
            found[name] = [_untimed(line) for line in path.read_text(encoding="utf-8").splitlines()]
        elif path.name == "manifest.json":
            files = json.loads(path.read_text(encoding="utf-8"))["files"]
            found[name] = {key: entry for key, entry in files.items() if key != "training.jsonl"}
        elif path.is_file() and path.name != ".lock":
            found[name] = path.read_bytes()
    return found


def _untimed(line: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(line).items() if "seconds" not in key}


def differing(first: Path, second: Path) -> list[str]:
    """Names of the files that two runs do not share."""
    one, other = contents(first), contents(second)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def kill_runs(folder: Path, count: int, seed: int, tell: Callable[[str], None]) -> None:
    """Kill runs `count` times in all, compare each that finished with an undisturbed one.

    Raises:
        RuntimeError: a file differs, or a run that goes on after a kill fails.
    """
    torch.set_num_threads(1)
    make_normaliser(NormaliserSettings()).lemmas(["words"])  # WordNet is read once, and every child has it
    loaded = load_recipe(write_recipe(folder))
    draw = random.Random(seed)  # noqa: S311 - moments, no secrets
    began = time.monotonic()
    undisturbed(lambda: make_run(loaded, folder / "whole"))
    lasts = time.monotonic() - began
    kills, chains, inside = 0, 0, 0
    while kills < count:
        chains += 1
        out, mine = folder / f"chain-{chains}", 0
        whole = partial(make_run, loaded, out)
        while True:
            timed = draw.random() < 0.5
            work = whole if timed or kills == count else partial(killed_at_flush, whole, draw.randint(1, MOST_FLUSHES))
            if finished(in_child(work), draw.uniform(0, lasts) if timed and kills < count else None):
                break
            kills, mine = kills + 1, mine + 1
            inside += any(out.rglob(f"*{SUFFIX}"))
        wrong = differing(folder / "whole", out)
        if wrong:
            raise RuntimeError(f"after {mine} kills these files differ: {', '.join(wrong)}")
        tell(f"run {chains}: {mine} kills, every file the same ({kills} of {count}, {inside} inside a training)")


def main(
    count: Annotated[int, typer.Option(min=1, help="Kills in all.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Kill a small run at random moments and compare all bytes in the end."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        kill_runs(Path(folder), count, seed, typer.echo)


if __name__ == "__main__":
    typer.run(main)
