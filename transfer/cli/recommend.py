"""`transfer recommend RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transfer.cli.options import Json

if TYPE_CHECKING:
    from domains.domain import Domain

Run = Annotated[str, typer.Argument(help="Folder of a target run, or its hub id.")]
User = Annotated[str | None, typer.Option("--user", help="Id of a user of the target domain.")]
Past = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar='"TITLE; TITLE"',
        help="Titles, oldest first; a beginning that fits one title alone will do.",
    ),
]
Words = Annotated[
    str | None,
    typer.Option("--interests", metavar='"WORD, WORD"', help="Interests in place of a history, as words of titles."),
]
New = Annotated[
    str | None,
    typer.Option(
        "--new-items",
        metavar='"TITLE; TITLE"|FILE',
        help="Items that the run has never met: titles, or a table, which titles that hold a semicolon need.",
    ),
]
Count = Annotated[int, typer.Option("-k", "--count", min=1, help="How many items.")]


def command(
    run: Run,
    user: User = None,
    history: Past = None,
    interests: Words = None,
    new_items: New = None,
    count: Count = 10,
    json_: Json = False,
) -> None:
    """Recommend items for a user, a history of titles, or interests, with the anchors that speak for each."""
    from rich.text import Text

    from domains.errors import InputError
    from transfer.cli.show import OUT, plain_table, print_json

    if sum(given is not None for given in (user, history, interests)) != 1:
        raise InputError(
            "give exactly one of them",
            location="--user, --history, --interests",
            hint='For example --interests "space, war"',
        )
    from transfer.runs.target_run import TargetRun
    from transfer.serving.recommend import History, Recommender
    from transfer.serving.seeds import seeds_of

    loaded = TargetRun.load(run)
    if new_items is not None:
        from transfer.serving.new_items import run_with

        loaded = run_with(loaded, *_new_items(new_items))
    if user is not None:
        past = History.of_user(loaded.domain, user)
    elif interests is not None:
        seeds = seeds_of(loaded, [part for part in interests.split(",") if part.strip()])
        past = History.of_seeds(loaded.domain, seeds)
    else:
        past = History.of_text(loaded.domain, history or "")
    found = Recommender(loaded).recommend(past, count)
    if json_:
        print_json([vars(item) for item in found])
        return
    table = plain_table(_heading(past.domain, interests))
    table.add_column("", justify="right")
    shared = "anchors shared with the history" if interests is None else "anchors that speak for it"
    for heading in ("title", "score", shared):
        table.add_column(heading)
    for place, item in enumerate(found, 1):
        name = item.title or f"(no title: {item.item_id})"
        table.add_row(str(place), Text(name), f"{item.score:.2f}", Text(", ".join(item.anchors)))
    OUT.print(table)


def _heading(past: Domain, interests: str | None) -> str:
    """What the recommendations follow from."""
    import pyarrow as pa

    if interests is not None:
        return f"For an interest in {', '.join(part.strip() for part in interests.split(',') if part.strip())}"
    last = past.items[-3:]
    ids = past.item_ids.take(pa.array(last)).to_pylist()
    recent = [title or f"(no title: {name})" for title, name in zip(past.titles_of(last), ids, strict=True)]
    earlier = past.n_interactions - len(recent)
    return f"After {', '.join(recent)}" + (f" and {earlier} earlier" if earlier else "")


def _new_items(given: str) -> tuple[list[str], list[str]]:
    """Ids and titles from a file, or titles that are their own ids."""
    from domains.errors import InputError
    from domains.frames import titled_items
    from domains.io.expand import KINDS

    file = Path(given.strip())
    if file.is_file():
        return titled_items(str(file), str(file))
    if file.suffix.lower() in KINDS:
        raise InputError(
            "no such file", location=file, hint="Check the path, or give titles: --new-items 'title; title'"
        )
    titles = [part.strip() for part in given.split(";") if part.strip()]
    return titles, titles
