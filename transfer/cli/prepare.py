"""`transfer prepare DOMAIN`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transfer.cli.options import Json

if TYPE_CHECKING:
    from domains.spec import DomainSpec

Domain = Annotated[
    str, typer.Argument(help="A domain (books, movielens:FOLDER, ...), or a recipe, whose target is prepared.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder to write; empty or not there.")]
Partitions = Annotated[int, typer.Option("--partitions", help="Parts, by a hash of the user; one must fit in memory.")]
Source = Annotated[int | None, typer.Option("--source", min=1, help="Prepare this source of the recipe instead.")]


def command(domain: Domain, out: Out, partitions: Partitions = 16, source: Source = None, json_: Json = False) -> None:
    """Prepare a large domain once, in partitions, as a folder that recipes open with prepared:FOLDER."""
    from rich.markup import escape

    from domains.streaming import to_folder
    from transfer.cli.show import print_json, say

    spec, base = _chosen(domain, source)
    made, reason = to_folder(spec, out, partitions, base=base)
    if json_:
        sizes = {"users": made.n_users, "items": made.n_items, "interactions": made.n_interactions}
        print_json({"folder": str(out), **sizes, "partitions": partitions, "fingerprint": made.fingerprint,
                    "streamed": reason is None, "why_not": reason})  # fmt: skip
        return
    sizes_ = f"{made.n_users:,} users, {made.n_items:,} items, {made.n_interactions:,} interactions"
    say(f"{escape(made.name)}: {sizes_} -> [bold]{escape(str(out))}[/bold]")
    if reason is not None:
        say(escape(f"Held in memory, not streamed: {reason}."))
    say(escape(f"In a recipe: target: prepared:{out}"))


def _chosen(text: str, source: int | None) -> tuple[str | DomainSpec, Path]:
    """What to prepare, and where its relative paths start."""
    from domains.errors import InputError
    from recipes.load import load_recipe, names_recipe

    if not names_recipe(text):
        return text, Path.cwd()
    loaded = load_recipe(text)
    if source is None and loaded.recipe.target is not None:
        return loaded.recipe.target, loaded.folder
    if source is None or source > len(loaded.recipe.sources):
        count = len(loaded.recipe.sources)
        raise InputError(f"the recipe has {count} sources", location="--source", hint=f"Write 1 to {count}")
    return loaded.recipe.sources[source - 1], loaded.folder
