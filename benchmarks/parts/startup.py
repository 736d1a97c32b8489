"""How long a person waits: the help of the command, and the first recommendation of a fresh process."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from benchmarks.options import Options
from benchmarks.tables import Cell, Section
from benchmarks.timing import fastest

COMMAND = ["-c", "from transfer.cli.main import main; main()"]
BRIEF_RUN = (
    "run",
    "book_to_film",
    "--variants",
    "sasrec,sasrec+ipe+s2idm",
    "--set",
    "s2idm.epochs=1",
    "--set",
    "s2idm.hidden=64",
    "--set",
    "training.base_epochs=1",
    "--set",
    "training.epochs=1",
)
"""Makes a folder to recommend from; how good the model is changes nothing about how long an answer takes."""
IMPORTS = ("domains", "vocab.vocabulary", "recipes.schema", "transfer.variants", "torch")


def run(options: Options) -> list[Section]:
    """Fresh processes, files in the page cache."""
    rows: list[list[Cell]] = [_timed("python -c pass", ["-c", "pass"], options)]
    rows.append(_timed("transfer --help", [*COMMAND, "--help"], options))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, *COMMAND, *BRIEF_RUN, "--out", folder], capture_output=True)
        asked = [*COMMAND, "recommend", f"{folder}/target", "--interests", "war, island"]
        rows.append(_timed("transfer recommend, bundled films", asked, options))
    rows += [_timed(f"import {name}", ["-c", f"import {name}"], options) for name in IMPORTS]
    return [
        Section(
            "Start-up",
            ["", "seconds"],
            rows,
            ["The fastest of several fresh processes; goals: help 0.5 s, first answer 3 s."],
        )
    ]


def _timed(label: str, arguments: list[str], options: Options) -> list[Cell]:
    command = [sys.executable, *arguments]
    if subprocess.run(command, capture_output=True).returncode:
        return [label, None]
    return [label, fastest(lambda: subprocess.run(command, capture_output=True), options.repeats)]
