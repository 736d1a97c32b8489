"""`transfer share` and `transfer verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Json, Variant

Run = Annotated[str, typer.Argument(help="Folder of a run, or its hub id.")]
Out = Annotated[Path, typer.Argument(help="New folder for the copy.")]


def share(run: Run, out: Out, variant: Variant = None) -> None:
    """Write a copy of a target run without user data, which recommends for histories and interests."""
    from rich.markup import escape

    from transfer.cli.output import say
    from transfer.runs.sharing import share
    from transfer.serving.opened import open_run

    copy = share(open_run(run, variant), out)
    if not copy.has_model and not copy.variant.is_terms_alone:
        say(
            f"[yellow]Note:[/yellow] {escape(copy.variant.label)} counts interactions, and the copy holds none, so "
            "that it cannot recommend. Give --variant with late terms alone, such as terms, or with an encoder."
        )
    say(f"{escape(str(out))} holds no user's id or history. It keeps weights, item counts and means of metrics.")


Folder = Annotated[Path, typer.Argument(help="Folder of a source artifact or a run.")]
Accept = Annotated[bool, typer.Option("--accept", help="Accept changes that you made on purpose.")]


def verify(folder: Folder, accept: Accept = False, json_: Json = False) -> None:
    """Check that an artifact's files are unchanged; exit code 1 if one differs."""
    from rich.markup import escape

    from transfer.cli.output import print_json, say
    from transfer.runs.sharing import accept as accept_files
    from transfer.runs.sharing import verify
    from transfer.serving.opened import within_run

    folder = Path(within_run(folder))
    found = verify(folder) if not accept or (folder / "manifest.json").is_file() else []
    if accept:
        accept_files(folder)
    if json_:
        print_json([{"file": difference.name, "what": difference.what} for difference in found])
    for difference in [] if json_ else found:
        say(f"{escape(difference.name)}: {'accepted' if accept else difference.what}")
    if not found and not json_:
        say("No file was changed." if not accept else "The files are listed as they are.")
    if not accept and any(not difference.harmless for difference in found):
        raise typer.Exit(1)
