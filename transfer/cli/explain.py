"""`transfer explain RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Json

Run = Annotated[str, typer.Argument(help="Folder of a run, or its hub id.")]
User = Annotated[str | None, typer.Option("--user", help="Id of a user of the target domain.")]
Past = Annotated[str | None, typer.Option("--history", metavar='"TITLE; TITLE"', help="Titles or ids, oldest first.")]
Count = Annotated[int, typer.Option("-k", "--count", min=1, help="How many recommendations.")]
Figure = Annotated[Path | None, typer.Option("--figure", help="Draw it to this file (png, svg or pdf).")]
Variant = Annotated[str | None, typer.Option("--variant", help="Another finished variant of the run.")]


def command(
    run: Run,
    user: User = None,
    history: Past = None,
    count: Count = 5,
    figure: Figure = None,
    variant: Variant = None,
    json_: Json = False,
) -> None:
    """Explain a person's recommendations: interests before and after diffusion, terms and past items."""
    from rich.text import Text

    from domains.errors import InputError
    from transfer.cli.show import ERR, OUT, plain_table, print_json
    from transfer.serving.explain import draw, explain
    from transfer.serving.history import History
    from transfer.serving.opened import open_run
    from transfer.serving.recommend import Recommender

    if (user is None) == (history is None):
        raise InputError("give exactly one of them", location="--user, --history", hint="For example --user 42")
    loaded = open_run(run, variant)
    recommender = Recommender(loaded)
    past = (
        History.of_user(loaded.domain, user)
        if user is not None
        else History.of_text(loaded.domain, history or "", recommender.titles)
    )
    for note in past.notes:
        ERR.print(note, highlight=False, markup=False, soft_wrap=True)
    found = explain(recommender, past, count)
    if figure is not None:
        draw(found, figure)
    if json_:
        print_json(found.as_dict())
        return
    table = plain_table("Interests before and after diffusion")
    for name, side in (("anchor", "left"), ("before", "right"), ("after", "right"), ("made by", "left")):
        table.add_column(name, justify="right" if side == "right" else "left")
    for one in found.interests:
        after = "" if one.after is None else f"{one.after:.3f}"
        made = ", ".join(source.item for source in one.sources) or "diffusion"
        table.add_row(Text(one.anchor), f"{one.before:.3f}" if one.before else "", after, Text(made))
    OUT.print(table)
    terms = list(found.recommended[0].terms) if found.recommended else []
    table = plain_table("What carried each recommendation")
    table.add_column("title")
    for name in (*terms, "score"):
        table.add_column(name, justify="right")
    table.add_column("past items")
    for carried in found.recommended:
        past_items = ", ".join(f"{source.item} {source.value:+.2f}" for source in carried.sources)
        parts = [f"{carried.terms[name]:.2f}" for name in terms]
        item = carried.recommendation
        title = recommender.titles.label_of(item.item_id)
        table.add_row(Text(title), *parts, f"{item.score:.2f}", Text(past_items or item.reason))
    OUT.print(table)
