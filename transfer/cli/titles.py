"""`transfer titles RUN`."""

from __future__ import annotations

from typing import Annotated

import typer

from transfer.cli.options import Json

Run = Annotated[str, typer.Argument(help="Folder of a run, or its hub id.")]
Search = Annotated[str, typer.Option("--search", help="Words that the title holds, or an id; all items without it.")]
Count = Annotated[int, typer.Option("-k", "--count", min=1, help="How many items, the most popular first.")]


def command(run: Run, search: Search = "", count: Count = 20, json_: Json = False) -> None:
    """List items of a run by title, with their ids."""
    import numpy as np
    from rich.text import Text

    from transfer.cli.show import OUT, plain_table, print_json
    from transfer.serving.opened import open_run
    from transfer.serving.titles import TitleIndex

    domain = open_run(run).domain
    index, met = TitleIndex.of(domain), np.bincount(domain.items, minlength=domain.n_items)
    found = index.search(search)
    rows = [(str(domain.item_ids[i].as_py()), domain.titles[i].as_py() or "", int(met[i])) for i in found[:count]]
    if json_:
        print_json([dict(zip(("item_id", "title", "interactions"), row, strict=True)) for row in rows])
        return
    table = plain_table(f"{len(found):,} items" + (f", the first {count}" if len(found) > count else ""))
    table.add_column("id")
    table.add_column("title")
    table.add_column("interactions", justify="right")
    for name, title, times in rows:
        table.add_row(Text(name), Text(title or "(no title)"), f"{times:,}")
    OUT.print(table)
