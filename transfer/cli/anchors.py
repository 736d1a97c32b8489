"""`transfer anchors explain RUN WORD`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look at the anchors of a target run.")

Run = Annotated[str, typer.Argument(help="Folder of a target run.")]
Words = Annotated[list[str], typer.Argument(help="Words as they stand in titles.")]


@app.command("explain")
def explain(run: Run, words: Words) -> None:
    """Say which anchors a word stands for, and by which step it found them."""
    from pathlib import Path

    from rich.markup import escape

    from domains.errors import InputError
    from transfer.cli.show import say
    from transfer.runs.artifact import UNSEEN, VOCABULARY
    from vocab.unseen.map import UnseenMap
    from vocab.vocabulary import SememeVocabulary

    folder = Path(run)
    if not (folder / UNSEEN).is_file():
        raise InputError(
            "no map of unseen words here", location=folder / UNSEEN, hint="Name the folder of a target run"
        )
    unseen = UnseenMap.load(folder / UNSEEN, SememeVocabulary.load(folder / VOCABULARY))
    for word in words:
        say(escape(unseen.explain(word)))
