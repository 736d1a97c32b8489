"""`transfer sources`: the artifacts that adapt-target can start from."""

from __future__ import annotations

from typing import Annotated

import typer

from transfer.cli.options import Json

Places = Annotated[
    list[str] | None,
    typer.Argument(help="bundled, folders of artifacts or runs, or hub ids; without any, bundled and runs/*/source."),
]


def sources(places: Places = None, json_: Json = False) -> None:
    """List source artifacts, which adapt-target starts from, with domains, anchors, size and licence."""
    from rich.markup import escape
    from rich.text import Text

    from transfer.cli.output import plain_table, print_json, print_plain, say, show_error
    from transfer.planning.source_list import list_sources

    found, errors = list_sources(places or ())
    for error in errors:
        show_error(error)
    if json_:
        print_json([one.as_dict() for one in found])
        return
    table = plain_table("Source artifacts")
    table.add_column("artifact", overflow="fold")
    table.add_column("domains", overflow="fold")
    table.add_column("anchors", justify="right")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("licence", overflow="fold")
    for one in found:
        domains = ", ".join(note.name for note in one.domains)
        licence = one.licence or "not stated"
        size = f"{one.size / 1e6:.1f} MB" if one.size >= 1e6 else f"{one.size / 1e3:.0f} kB"
        table.add_row(
            Text(one.place),
            Text(domains),
            f"{one.anchors:,}",
            size,
            Text(licence),
        )
    print_plain(table)
    if found:
        say(escape(f"Next: transfer adapt-target {found[0].place} RECIPE_OR_DOMAIN"))
