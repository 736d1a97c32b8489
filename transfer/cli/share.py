"""`transfer share RUN OUT`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[str, typer.Argument(help="Folder of a target run, or its hub id.")]
Out = Annotated[Path, typer.Argument(help="New folder for the copy.")]


def command(run: Run, out: Out) -> None:
    """Write a copy of a target run without users: it recommends for histories and interests, and can be shared."""
    from rich.markup import escape

    from transfer.cli.show import say
    from transfer.runs.sharing import share
    from transfer.runs.target_run import TargetRun

    share(TargetRun.load(run), out)
    say(f"{escape(str(out))} holds no user's id or history. It keeps weights, item counts and means of metrics.")
