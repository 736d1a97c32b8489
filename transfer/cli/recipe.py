"""`transfer recipe list | check | schema`, and `transfer variants`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transfer.cli.options import Json, RecipeArgument, Set, Variants, as_typed, overrides

if TYPE_CHECKING:
    from transfer.planning.dry_run import DomainForecast, Forecast


app = typer.Typer(no_args_is_help=True, help="Recipes: list the bundled ones, check one, get their JSON Schema.")

Out = Annotated[Path | None, typer.Option("--out", help="File to write; standard output by default.")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the bundled recipes."""
    from rich.markup import escape

    from recipes.load import bundled_recipes, read_mapping
    from transfer.cli.output import print_json, say

    found = {name: str(read_mapping(path).get("description", "")) for name, path in bundled_recipes().items()}
    if json_:
        print_json(found)
        return
    width = max(map(len, found), default=0)
    for name, description in found.items():
        say(escape(f"{name:<{width}}  {description}"))


@app.command("check")
def check(recipe: RecipeArgument, set_: Set = None, variants: Variants = None, json_: Json = False) -> None:
    """Read a recipe and its data, and show what a run would do. Trains nothing."""
    from recipes.load import load_recipe
    from transfer.cli.output import print_json
    from transfer.planning.dry_run import forecast
    from transfer.runs.plan import make_plan

    found = forecast(make_plan(load_recipe(recipe, overrides(set_, None, variants))))
    if json_:
        print_json(found.as_dict())
        return
    _print(found, recipe + as_typed(set_, None, variants if found.runs else None))


@app.command("schema")
def schema(out: Out = None) -> None:
    """Write the JSON Schema of a recipe, with which an editor completes and checks it."""
    from rich.markup import escape

    from recipes.schema import Recipe
    from transfer.cli.output import say
    from transfer.files import write_text

    text = json.dumps(Recipe.model_json_schema(), indent=2, ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    write_text(out, text + "\n")
    say(escape(f"Wrote {out}. First line of a recipe: # yaml-language-server: $schema={out}"))


def _print(found: Forecast, following: str) -> None:
    from rich.markup import escape

    from transfer.cli.output import say
    from transfer.planning.run_time import LEAST
    from transfer.progress import duration

    for domain in found.domains:
        _print_domain(domain)
    if found.catalogue:
        say(f"[bold]catalogue[/bold]  {escape(found.catalogue)}")
    say(f"[bold]vocabulary[/bold]  {found.anchors:,} anchors")
    cost = found.estimate
    if any(domain.role == "source" for domain in found.domains):
        say(f"[bold]sources[/bold]  {_at_most(cost.source_seconds)} to learn from them")
    if found.runs:
        say("[bold]variants[/bold]")
        width = max(map(len, found.runs))
        for name in found.runs:
            say(f"  {escape(name):<{width}}  {_at_most(cost.variant_seconds[name])}")
        for name, reason in found.skipped.items():
            say(f"  {escape(name)}  [yellow]skipped[/yellow]: {escape(reason)}")
    memory = f"{cost.memory_bytes / 2**30:.1f} GiB"
    seconds = duration(cost.seconds + LEAST * (1 + len(found.runs)))
    say(f"[bold]estimate[/bold]  at most about {seconds} and {memory}, rough; early stopping needs less")
    say(escape(f"Next: transfer {'run' if found.runs else 'fit-source'} {following}"))


A_FEW = 10.0
"""Seconds that an estimate calls a few: reading and ranking, which it does not count, take as long."""


def _at_most(seconds: float) -> str:
    """Return an estimate as text."""
    from transfer.progress import duration

    return "a few seconds" if seconds < A_FEW else f"at most about {duration(seconds)}"


def _print_domain(domain: DomainForecast) -> None:
    from rich.markup import escape

    from transfer.cli.output import say

    say(f"[bold]{escape(domain.name)}[/bold]  {domain.role}")
    for line in str(domain.report).splitlines():
        say(f"  {escape(line)}")
    say(f"  {escape(str(domain.coverage).splitlines()[0])}")
    if domain.role == "target" and not domain.coverage.n_covered:
        say("  [yellow]Note:[/yellow] no item has an anchor before unseen words are mapped")
    if domain.ties is not None and domain.ties.note:
        say(f"  [yellow]Note:[/yellow] {escape(domain.ties.note)}")
    if domain.shared is not None:
        of_target = domain.shared.shared + domain.shared.second_only
        say(
            f"  {domain.shared.shared:,} of the target's {of_target:,} anchors occur here; divergence of their "
            f"frequencies {domain.shared.divergence:.2f} (0 equal, 1 disjoint)"
        )
        if not domain.shared.shared:
            say("  [yellow]Note:[/yellow] it shares no word with the target; only sentence vectors can relate them")


PARTS = {
    "anchors": "add learned vectors of an item's anchors",
    "anchors-semantic": "add sentence vectors of its anchors",
    "title-semantic": "add the sentence vector of its text",
    "categories": "add learned vectors of its categories",
    "no-id": "no ID vector",
    "source": "encoder and item maps start from the source artifact's",
    "ipe": "interests enter as prompts, the paper's method; then one of:",
    "positions": "interests up to each item are added to it",
    "s2idm": "diffused interests (without ipe: fused with the states)",
    "raw": "interests without diffusion",
    "constant": "the control: prompts without interests",
    "shuffled": "the control: another user's interests",
    "matching": "late terms: titles, anchors, popularity",
    "terms": "every late term: matching, recent, transitions, together, taste, repeats",
}
"""Parts of a variant's label after the system, with their meaning."""


def variants(json_: Json = False) -> None:
    """List the systems that a recipe can name, and the parts that join them."""
    from rich.markup import escape
    from rich.table import Table

    from transfer.cli.output import OUT, print_json, say
    from transfer.registry import find_system, system_names

    systems = {name: find_system(name).summary for name in system_names()}
    if json_:
        print_json({"systems": systems, "parts": PARTS})
        return
    for title, rows in (("Systems", systems), ("Parts, joined with +", PARTS)):
        say(f"[bold]{title}[/bold]")
        table = Table.grid(padding=(0, 0, 0, 2))
        for name, summary in rows.items():
            table.add_row(escape(name), escape(summary))
        OUT.print(table, highlight=False)
    say("Example: transfer run RECIPE --variants popular,sasrec,sasrec+ipe+s2idm")
