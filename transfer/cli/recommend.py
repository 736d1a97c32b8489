"""`transfer recommend RUN`."""

from __future__ import annotations

from typing import Annotated

import typer

from transfer.cli.options import Json

Run = Annotated[str, typer.Argument(help="Folder of a target run.")]
User = Annotated[str | None, typer.Option("--user", help="Id of a user of the target domain.")]
Past = Annotated[str | None, typer.Option("--history", metavar='"TITLE; TITLE"', help="Titles, oldest first.")]
Count = Annotated[int, typer.Option("-k", "--count", min=1, help="How many items.")]


def command(run: Run, user: User = None, history: Past = None, count: Count = 10, json_: Json = False) -> None:
    """Recommend items for a user or a history of titles, with the anchors that speak for each."""
    from domains.errors import InputError
    from transfer.cli.show import OUT, plain_table, print_json

    if (user is None) == (history is None):
        raise InputError("give a user or a history, one of the two", place="--user / --history")
    from transfer.recommend import History, Recommender
    from transfer.target import TargetRun

    loaded = TargetRun.load(run)
    if user is not None:
        past = History.of_user(loaded.domain, user)
    else:
        past = History.of_titles(loaded.domain, [part for part in (history or "").split(";") if part.strip()])
    found = Recommender(loaded).recommend(past, count)
    if json_:
        print_json([vars(item) for item in found])
        return
    recent = past.domain.titles_of(past.domain.items[-3:])
    more = past.domain.n_interactions - len(recent)
    table = plain_table(f"After {f'{more} more, ' if more else ''}{', '.join(recent)}")
    table.add_column("", justify="right")
    for heading in ("title", "score", "anchors shared with the history"):
        table.add_column(heading)
    for place, item in enumerate(found, 1):
        table.add_row(
            str(place), item.title or f"(no title: {item.item_id})", f"{item.score:.2f}", ", ".join(item.anchors)
        )
    OUT.print(table)
