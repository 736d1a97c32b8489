"""`transfer domains list | show NAME | fetch NAME`, and `transfer prepare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transfer.cli.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from domains.loaders.loader import Loader
    from domains.public_data import PublicData
    from domains.spec import DomainSpec


app = typer.Typer(no_args_is_help=True, help="Data to work with: bundled, public, and the formats that are read.")

Name = Annotated[str, typer.Argument(help="Name of a bundled domain, a public data set or a format.")]
DataName = Annotated[str, typer.Argument(help="Name of a public data set: ml-1m, or amazon2018/Video_Games.")]
To = Annotated[Path | None, typer.Option("--to", help="Folder for the files; data/NAME by default.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Accept licence and size without a question.")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """List bundled domains, public data sets, and the formats that can be read."""
    from domains.loaders.loader import BUNDLED, find_loader, loader_names
    from domains.public_data import known_data
    from transfer.cli.output import OUT, print_json, say

    loaders = [find_loader(name) for name in loader_names()]
    if json_:
        print_json(
            {
                "bundled": list(BUNDLED),
                "public": [_facts(data) for data in known_data()],
                "loaders": [{"name": loader.name, "summary": loader.summary} for loader in loaders],
            }
        )
        return
    say(f"[bold]Bundled[/bold], ready to use: {', '.join(BUNDLED)}")
    rows = [
        (data.name + ("/CATEGORY" if data.categories else ""), data.title, data.size, "" if data.urls else "by hand")
        for data in known_data()
    ]
    OUT.print(_table("Public data", ("name", "what it is", "size", "fetch"), rows))
    OUT.print(_table("Formats", ("loader", "reads"), [(loader.name, loader.summary) for loader in loaders]))
    say("More of each: transfer domains show NAME")


@app.command("show")
def show(name: Name, json_: Json = False) -> None:
    """Describe a bundled domain, a public data set or a format, and how a recipe names it."""
    from domains.errors import SettingsError, suggest
    from domains.loaders.loader import BUNDLED, find_loader, loader_names
    from domains.public_data import known_data
    from transfer.cli.output import print_json

    family, _, category = name.partition("/")
    public = {data.name: data for data in known_data()}
    known = {*BUNDLED, *public, *loader_names()}
    if family not in known:
        hint = f"{suggest(family, known)}Known: transfer domains list"
        raise SettingsError(
            f"no domain, data set or format is named {family!r}", location="NAME", hint=hint, code="option"
        )
    found: dict[str, Any] = {}
    if family in BUNDLED:
        found["bundled"] = _bundled(family)
    if family in public:
        found["public"] = _facts(_public(name) if category else public[family])
    if family in loader_names():
        found["loader"] = _options(find_loader(family))
    if json_:
        print_json(found)
        return
    for part in found.values():
        _print_facts(part)


@app.command("fetch")
def fetch(name: DataName, to: To = None, yes: Yes = False, json_: Json = False) -> None:
    """Download a public data set, after showing its licence and size; an interrupted download resumes."""
    from rich.markup import escape

    from domains.fetch import fetch_data
    from transfer.cli.options import confirm
    from transfer.cli.output import ERR, Downloads, print_json, say, total_size

    data = _public(name)
    folder = to or Path("data") / name
    if data.urls:
        ERR.print(
            f"{data.title}\nlicence  {data.licence}\nsize     {total_size(data)}\npage     {data.page}",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        if not yes and not confirm(f"Download it into {folder}?", "--yes"):
            raise typer.Exit(1)
    with Downloads() as downloads:
        fetched = fetch_data(data, folder, progress=downloads)
    if json_:
        print_json({"spec": data.spec(folder), "files": [vars(file) for file in fetched]})
        return
    for file in fetched:
        say(escape(f"{folder / file.name}  {file.bytes:,} bytes  sha256 {file.sha256}"))
    say(escape(f"In a recipe: target: {data.spec(folder)}\nNext: transfer inspect {data.spec(folder)}"))


def _public(name: str) -> PublicData:
    from domains.public_data import find_data

    return find_data(name)


def _facts(data: PublicData) -> dict[str, Any]:
    """Return an entry of the catalogue as plain data."""
    facts: dict[str, Any] = {
        "name": data.name,
        "title": data.title,
        "licence": data.licence,
        "size": data.size,
        "page": data.page,
        "recipe": data.spec(Path("data") / data.name),
    }
    if data.urls:
        facts["files"] = list(data.urls)
    if data.by_hand:
        facts["by_hand"] = data.by_hand
    if data.categories:
        facts["categories"] = list(data.categories)
    return facts


def _bundled(name: str) -> dict[str, Any]:
    from domains.open_domain import open_domain
    from domains.overview import summarise

    summary = summarise(open_domain(name).domain)
    return {
        "name": name,
        "title": "bundled; its licence is in the same folder",
        "recipe": name,
        **{key: getattr(summary, key) for key in ("users", "items", "interactions", "time_kind")},
        "order": str(summary.ties),
    }


def _options(loader: Loader) -> dict[str, Any]:
    fields = loader.options.model_fields.items()
    recipe = f"{loader.name}:{loader.argument.upper()}"
    if loader.needed:
        recipe = "{" + ", ".join([f"loader: {loader.name}", *(f"{key}: {key.upper()}" for key in loader.needed)]) + "}"
    return {
        "name": loader.name,
        "title": loader.summary,
        "recipe": recipe,
        "options": {key: field.description or "" for key, field in fields},
    }


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.markup import escape

    from transfer.cli.output import say

    say(f"[bold]{escape(facts['name'])}[/bold]  {escape(facts['title'])}")
    for key, value in facts.items():
        if key in ("name", "title"):
            continue
        label = f"  {key.replace('_', ' '):<13}"
        if isinstance(value, dict):
            value = [f"{option}: {meaning}" for option, meaning in value.items()]
        if key == "categories":
            value = ", ".join(value)
        if isinstance(value, list):
            value = f"\n{' ' * len(label)}".join(value)
        say(label + escape(f"{value:,}" if isinstance(value, int) else str(value)))


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


Domain = Annotated[
    str,
    typer.Argument(help="A domain (books, movielens:FOLDER, ...), or a recipe. Of a recipe, the target is prepared."),
]
Out = Annotated[Path, typer.Option("--out", help="Folder to write; must be empty or missing.")]
Partitions = Annotated[
    int, typer.Option("--partitions", help="Number of partitions, by a hash of the user; each must fit in memory.")
]
Source = Annotated[int | None, typer.Option("--source", min=1, help="Prepare this source of the recipe instead.")]


def prepare(domain: Domain, out: Out, partitions: Partitions = 16, source: Source = None, json_: Json = False) -> None:
    """Prepare a large domain once, in partitions. Recipes open the folder with prepared:FOLDER."""
    from rich.markup import escape

    from domains.streaming import to_folder
    from transfer.cli.output import print_json, say

    spec, base = _chosen(domain, source)
    made, reason = to_folder(spec, out, partitions, base=base)
    if json_:
        sizes = {"users": made.n_users, "items": made.n_items, "interactions": made.n_interactions}
        print_json(
            {
                "folder": str(out),
                **sizes,
                "partitions": partitions,
                "fingerprint": made.fingerprint,
                "streamed": reason is None,
                "why_not": reason,
            }
        )
        return
    sizes_ = f"{made.n_users:,} users, {made.n_items:,} items, {made.n_interactions:,} interactions"
    say(f"{escape(made.name)}: {sizes_} -> [bold]{escape(str(out))}[/bold]")
    if reason is not None:
        say(escape(f"Held in memory, not streamed: {reason}."))
    say(escape(f"In a recipe: target: prepared:{out}"))


def _chosen(text: str, source: int | None) -> tuple[str | DomainSpec, Path]:
    """Return the domain to prepare, and the folder of its relative paths."""
    from domains.errors import SettingsError
    from domains.raw_cells import counted
    from recipes.load import load_recipe, names_recipe

    if not names_recipe(text):
        return text, Path.cwd()
    loaded = load_recipe(text)
    if source is None and loaded.recipe.target is not None:
        return loaded.recipe.target, loaded.folder
    if source is None or source > len(loaded.recipe.sources):
        count = len(loaded.recipe.sources)
        raise SettingsError(
            f"the recipe has {counted(count, 'source')}",
            location="--source",
            hint=f"Write 1 to {count}" if count > 1 else "Write 1" if count else "Leave it out: the target is prepared",
            code="option",
        )
    return loaded.recipe.sources[source - 1], loaded.folder
