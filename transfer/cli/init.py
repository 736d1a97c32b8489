"""`transfer init NAME INTERACTIONS [ITEMS]`."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from domains.guess import Guess
    from domains.settings import ColumnMapping
    from recipes.scaffold import Findings
    from vocab.closeness import Closeness

Name = Annotated[str, typer.Argument(help="Name of the new domain; the recipe is NAME.yaml.")]
Files = Annotated[
    list[str] | None, typer.Argument(help="Interactions, then items: the same as --interactions and --items.")
]
Interactions = Annotated[
    str | None, typer.Option("--interactions", help="Who did what when: CSV, Parquet, JSON Lines, ...")
]
Items = Annotated[
    str | None,
    typer.Option("--items", help="Titles of the items, in the same formats; default: the file of interactions."),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="A source domain, as in a recipe; may be repeated. 'none' for none; default: similar bundled domains.",
    ),
]
Out = Annotated[Path | None, typer.Option("--out", help="The recipe's file; NAME.yaml by default.")]
User = Annotated[str | None, typer.Option("--user-column", help="Column with the user's id.")]
Item = Annotated[str | None, typer.Option("--item-column", help="Column with the item's id.")]
Key = Annotated[
    str | None, typer.Option("--item-key-column", help="Column with the item's id in the file of items, if it differs.")
]
Time = Annotated[str | None, typer.Option("--time-column", help="Column with the time, or several: 'date + time'.")]
Title = Annotated[str | None, typer.Option("--title-column", help="Column with the title.")]
Categories = Annotated[str | None, typer.Option("--categories-column", help="Column with the categories.")]
Written = Annotated[str | None, typer.Option("--time-format", help="Format of the times, such as '%d/%m/%Y %H:%M'.")]
Unit = Annotated[
    Literal["auto", "s", "ms", "us", "ns", "ticks", "filetime", "webkit", "excel"],
    typer.Option("--time-unit", help="Unit of numeric times."),
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", help="Rows that count: 'event_type in \\[purchase, cart]', 'rating >= 4'; may be repeated."),
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of CSV files, such as cp1252; detected by default.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing recipe.")]

QUESTIONS = {
    "user": "Which column holds the user's id?",
    "item": "Which column of the interactions holds the item's id?",
    "item_key": "Which column of the items holds the item's id?",
    "time": "Which column holds the time?",
    "title": "Which column holds the title?",
}
ELSEWHERE = "; or give the file that has the titles with --items. If there are none, name the column of the items' ids"
"""Advice where no column looks like titles."""
ALONE = ". If all rows are of one person, a run needs the histories of others as well"
"""Advice where no column looks like users."""


def command(
    name: Name,
    files: Files = None,
    interactions: Interactions = None,
    items: Items = None,
    source: Sources = None,
    out: Out = None,
    user_column: User = None,
    item_column: Item = None,
    item_key_column: Key = None,
    time_column: Time = None,
    title_column: Title = None,
    categories_column: Categories = None,
    time_unit: Unit = "auto",
    time_format: Written = None,
    keep: Keep = None,
    encoding: Encoding = None,
    force: Force = False,
) -> None:
    """Read your files, guess their columns, and write a recipe."""
    from domains.errors import InputError, RunError, SettingsError
    from domains.guess import guess_columns
    from domains.io.encodings import guess_encoding
    from recipes.scaffold import compare_sources, look, recipe_text
    from transfer.cli.output import ERR
    from transfer.files import write_text

    interactions, items = _two_files(name, files or [], interactions, items)
    if not name.strip() or set(name) & set("/\\"):
        raise SettingsError(
            f"{name!r} cannot be the name of a domain",
            location="NAME",
            hint="Give a plain name, and the place with --out",
            code="option",
        )
    path = out or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise RunError(
            "this file already exists",
            location=path,
            hint="Choose another --out, or replace it with --force",
            code="folder-in-use",
        )
    given = {
        "user": user_column,
        "item": item_column,
        "item_key": item_key_column,
        "time": time_column,
        "title": title_column,
        "categories": categories_column,
    }
    said = {role: column for role, column in given.items() if column is not None}
    written, of_items = (encoding or guess_encoding(file) for file in (interactions, items))
    of_items = None if of_items == written else of_items or "utf-8"
    guess = guess_columns(interactions, items, said, encoding=written or "utf-8", items_encoding=of_items)
    columns, certain = _settled(guess, said), guess.by_name | said.keys()
    try:
        findings = look(interactions, items, columns, time_unit, time_format, keep or (), written, of_items)
    except InputError:
        _show_columns(columns, certain, ERR)  # one of them may be the mistake
        raise
    told = [
        note
        for role, note in guess.notes.items()
        if role not in said and getattr(columns, role) == getattr(guess.columns, role)
    ]
    if encoding is None:
        encodings = {Path(interactions).name: written, Path(items).name: of_items or written}
        told += [
            f"{file} is not UTF-8 and is read as {found}. Set --encoding if that is wrong."
            for file, found in encodings.items()
            if found not in (None, "utf-8")
        ]
    findings = replace(findings, notes=(*told, *findings.notes))
    compared = [] if source else compare_sources(findings.domain)
    sources = [one for one in source if one != "none"] if source else [one.source for one in compared if one.is_close]
    write_text(path, recipe_text(name, interactions, items, findings, sources, path, written, of_items))
    _report(findings, certain)
    _report_sources(compared, sources)
    _report_next(path)


def _two_files(name: str, files: Sequence[str], interactions: str | None, items: str | None) -> tuple[str, str]:
    """Return the files of interactions and of items, whether they have their option or not.

    Raises:
        InputError: there is no file, or too many, or a file stands where the name should.
    """
    from domains.errors import SettingsError

    waiting = list(files)
    if interactions is None and waiting:
        interactions = waiting.pop(0)
    if items is None and waiting:
        items = waiting.pop(0)
    if interactions is not None and not waiting and not Path(name).is_file():
        return interactions, items or interactions
    found = [word for word in (name, *files) if Path(word).is_file()] or ["orders.csv", "products.csv"]
    label = "shop" if Path(name).suffix else name
    raise SettingsError(
        "give a name, the file of interactions, and the file of items if there is one",
        location="transfer init",
        hint=f"For example: transfer init {label} {' '.join(found[:2])}",
        code="option",
    )


def _settled(guess: Guess, given: dict[str, str]) -> ColumnMapping:
    """Return the column of each role: as given, by its usual name, or as the user answers."""
    from domains.guess_roles import OF_INTERACTIONS
    from domains.io.columns import delimiter_hint
    from domains.io.head import is_made_up
    from domains.settings import ColumnMapping
    from transfer.cli.options import at_terminal, choose

    found = {role: column for role, column in guess.columns.model_dump().items() if column is not None} | given
    for role, question in QUESTIONS.items():
        there = guess.interactions if role in OF_INTERACTIONS else guess.items
        certain = role in given or role in guess.by_name
        needed = role in ("user", "item", "title") or role in found
        if not certain and needed:
            default = None if role in guess.unsure and not at_terminal() else found.get(role)
            option = f"--{role.replace('_', '-')}-column"
            examples = {name: value for name, value in there.items() if is_made_up(name)}
            otherwise = _elsewhere(guess, found.get("item")) if role == "title" else ""
            if role == "user" and not found.get("user"):
                otherwise = ALONE
            records = "".join(_of_records(name, guess.records[name]) for name in there if name in guess.records)
            advice = otherwise + records + delimiter_hint(list(there))
            found[role] = choose(question, there, option, default, advice, examples)
    if found.get("item_key") == found.get("item"):
        found.pop("item_key", None)
    return ColumnMapping(**found)


def _of_records(column: str, fields: Sequence[str]) -> str:
    """Return how items within records can be read: by the name of a field, or else after these are saved as columns."""
    if not fields:
        return f"; {column!r} holds records: save their fields as columns, one row each"
    field = "name the field that holds the item with --item-column"
    return f"; {column!r} holds lists of records: {field}, of {', '.join(fields)}"


def _elsewhere(guess: Guess, item: str | None) -> str:
    """Return where else titles may be: in the interactions, if a column there is called so, or in another file."""
    from domains.column_names import usual_column

    names = [name for name in guess.interactions if name != item]
    title = usual_column("title", names)
    if title is None:
        return ELSEWHERE
    return f"; or leave the file of items out, because the interactions have the titles: {title}"


def _show_columns(columns: ColumnMapping, certain: Set[str], console: Console) -> None:
    """Print the column of each role, and mark the guesses that need a check."""
    from rich.markup import escape

    roles = columns.model_dump(exclude_none=True)
    texts = roles.pop("text", {})
    for role, column in (roles | texts).items():
        how = "" if role in certain or role in texts else "  [dim](by its values)[/dim]"
        console.print(f"  {role:<11} {escape(column)}{how}", highlight=False, soft_wrap=True)


def _report(findings: Findings, certain: Set[str]) -> None:
    """Print the columns, the size, and notes."""
    import numpy as np
    from rich.markup import escape

    from domains.overview import summarise
    from domains.raw_cells import counted
    from transfer.cli.output import OUT, say

    for line in findings.left_out:
        say(f"[bold]{escape(line)}[/bold]")
    _show_columns(findings.columns, certain, OUT)
    found = summarise(findings.domain)
    span = "an order only" if found.first_time is None else f"{found.first_time[:10]} to {(found.last_time or '')[:10]}"
    ordered = int((np.bincount(findings.domain.items, minlength=found.items) > 0).sum())
    if ordered < found.items:
        say(f"{found.items - ordered:,} of {found.items:,} items have no interaction and stay, known by their text.")
    sizes = {"user": found.users, "item": found.items, "interaction": found.interactions}
    say(f"{', '.join(counted(count, noun) for noun, count in sizes.items())}, {span}")
    if found.first_time is not None and found.first_time < "1990" and (found.last_time or "") > "2000":
        say("[yellow]Note:[/yellow] the times span decades: are seconds and milliseconds mixed, or some missing?")
    for note in findings.notes:
        say(f"[yellow]Note:[/yellow] {escape(note)}")


def _report_sources(compared: Sequence[Closeness], sources: Sequence[str]) -> None:
    """Print how similar the bundled sources are, and which ones the recipe uses."""
    from rich.markup import escape

    from transfer.cli.output import say

    if compared and not compared[0].words:
        say("[bold]No word occurs in several titles: a run learns from what people did alone.[/bold]")
        return
    for one in compared:
        say(escape(str(one)))
    if compared:
        near = f"The recipe learns from {' and '.join(sources)}."
        say(near if sources else "No source is close enough: the recipe learns from your data alone.")


def _report_next(path: Path) -> None:
    from rich.markup import escape

    from transfer.cli.output import say

    file = escape(str(path))
    say(f"Wrote [bold]{file}[/bold]. Next: transfer run {file}")
