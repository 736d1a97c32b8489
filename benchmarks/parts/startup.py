"""How long a person waits: the help of the command, and the first recommendation of a fresh process."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.options import Options
from benchmarks.tables import Cell, Section
from benchmarks.timing import fastest

HELP = "from transfer.cli.main import main; main()"
IMPORTS = ("domains", "vocab.vocabulary", "recipes.schema", "transfer.variants", "torch")


def run(options: Options) -> list[Section]:
    """Fresh processes, files in the page cache."""
    rows: list[list[Cell]] = [_timed("python -c pass", ["-c", "pass"], options)]
    rows.append(_timed("transfer --help", ["-c", HELP, "--help"], options))
    rows += [_timed(f"import {name}", ["-c", f"import {name}"], options) for name in IMPORTS]
    return [
        Section(
            "Start-up", ["", "seconds"], rows, ["The fastest of several fresh processes; goal for the help: 0.5 s."]
        )
    ]


def _timed(label: str, arguments: list[str], options: Options) -> list[Cell]:
    command = [sys.executable, *arguments]
    if subprocess.run(command, capture_output=True).returncode:
        return [label, None]
    return [label, fastest(lambda: subprocess.run(command, capture_output=True), options.repeats)]
