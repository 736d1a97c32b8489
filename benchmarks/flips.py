"""``python -m benchmarks.flips --count 10000``: flip random bits in all files of both artifacts, and try to use them.

A flip in a file that is read must be refused with one message; nothing may crash or give a traceback. Every other is
listed in the manifest as its author would, so that the checks behind it are tried as well: then a changed weight may
be in range and go through, but nothing may crash.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.kills import make_run, undisturbed, write_recipe
from domains.errors import InputError
from recipes.load import load_recipe
from transfer.files import read_sealed
from transfer.runs.artifact import CHECKPOINTS, FILES
from transfer.runs.artifact_files import MANIFEST, UNUSED, write_manifest
from transfer.runs.sharing import open_any
from transfer.training.epochs import SUFFIX

A_CHILD = 250
"""Flips that one process tries; a crash ends it and is noticed."""


def flip(path: Path, draw: random.Random) -> bytes:
    """Flip one bit of a file; return what it held."""
    whole = path.read_bytes()
    place = draw.randrange(len(whole))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :])
    return whole


def outcome(folder: Path, path: Path, listed: bool, draw: random.Random) -> str:
    """What becomes of an artifact with a flipped bit: refused or accepted; the file is as before afterwards.

    Raises:
        Exception: anything but an `InputError`.
    """
    name = path.relative_to(folder).as_posix()
    manifest = (folder / MANIFEST).read_bytes()
    whole = flip(path, draw)
    try:
        if listed and path.name != MANIFEST:
            write_manifest(folder, FILES)
        if name.startswith(f"{CHECKPOINTS}/") and path.suffix == ".safetensors":
            read_sealed(path)
        else:
            open_any(folder)
        return "accepted"
    except InputError:
        return "refused"
    finally:
        path.write_bytes(whole)
        (folder / MANIFEST).write_bytes(manifest)


def try_flips(folders: list[Path], count: int, seed: int) -> Counter[str]:
    """Flip bits in the files of artifacts, each file as often as the others.

    Raises:
        RuntimeError: a flip in a file that is read was accepted.
    """
    draw, found = random.Random(seed), Counter[str]()  # noqa: S311 - places, no secrets
    files = [(folder, path) for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [(folder, path) for folder, path in files if path.stat().st_size and not path.name.endswith(SUFFIX)]
    for number in range(count):
        folder, path = draw.choice(files)
        listed = bool(number % 2)
        result = outcome(folder, path, listed, draw)
        # A bit of a space in the manifest, or of the entry of a file that nothing reads, changes nothing.
        unused = path.name in {*UNUSED, MANIFEST} or path.parent == folder / CHECKPOINTS
        if result == "accepted" and not unused and not listed:
            raise RuntimeError(f"a flipped bit in {path} was accepted")
        found[
            f"manifest, logs, README: {result}"
            if unused
            else f"{'listed by a stranger' if listed else 'as it was'}: {result}"
        ] += 1
    return found


def run_flips(folder: Path, count: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Counter[str]:
    """Make both artifacts and flip bits in them, in processes of their own.

    Raises:
        RuntimeError: a flip was accepted, or a process crashed.
    """
    undisturbed(lambda: make_run(load_recipe(write_recipe(folder)), folder / "whole"))
    folders = [folder / "whole" / "source", folder / "whole" / "target"]
    total = Counter[str]()
    for part in range(-(-count // A_CHILD)):
        tried = min(A_CHILD, count - part * A_CHILD)
        told = folder / "found"

        def work(part: int = part, tried: int = tried, told: Path = told) -> None:
            found = try_flips(folders, tried, seed + part)
            told.write_text("\n".join(f"{number}\t{name}" for name, number in found.items()))

        undisturbed(work)
        for line in told.read_text().splitlines():
            number, name = line.split("\t")
            total[name] += int(number)
        tell(f"{total.total():,} of {count:,} flips")
    return total


def main(
    count: Annotated[int, typer.Option(min=1, help="Flips in all.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the places.")] = 0,
) -> None:
    """Flip random bits in all files of both artifacts, and try to use them."""
    folder = Path(tempfile.mkdtemp(prefix="flips-"))
    try:
        for name, number in sorted(run_flips(folder, count, seed, partial(typer.echo, err=True)).items()):
            typer.echo(f"{number:>7,} {name}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    typer.run(main)
