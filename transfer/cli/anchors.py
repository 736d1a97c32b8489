"""`transfer anchors explain RUN WORD` and `transfer anchors neighbours RUN WORD`."""

from __future__ import annotations

from typing import Annotated

import typer

from transfer.cli.options import Json

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
    from vocab.unseen.unseen_map import UnseenMap
    from vocab.vocabulary import SememeVocabulary

    folder = Path(run)
    if not (folder / UNSEEN).is_file():
        raise InputError(
            "no map of unseen words here", location=folder / UNSEEN, hint="Name the folder of a target run"
        )
    unseen = UnseenMap.load(folder / UNSEEN, SememeVocabulary.load(folder / VOCABULARY))
    for word in words:
        say(escape(unseen.explain(word)))


@app.command("neighbours")
def neighbours(
    run: Run, word: Annotated[str, typer.Argument(help="A word as it stands in titles.")], json_: Json = False
) -> None:
    """Say which anchors S2IDM links to a word: what diffusion makes of an interest in it alone."""
    from rich.text import Text

    from transfer.cli.show import OUT, plain_table, print_json
    from transfer.serving.neighbours import anchor_neighbours
    from transfer.serving.opened import open_run

    found = anchor_neighbours(open_run(run), word)
    if json_:
        print_json([vars(one) for one in found])
        return
    table = plain_table(f"What S2IDM links to {word}")
    table.add_column("anchor")
    table.add_column("gain", justify="right")
    table.add_column("items", justify="right")
    for one in found:
        table.add_row(Text(one.anchor), f"{one.gain:+.3f}", f"{one.items:,}")
    OUT.print(table)
