"""`transfer inspect DOMAIN|RECIPE|ARTIFACT`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from transfer.cli.options import Json

if TYPE_CHECKING:
    from transfer.planning.inspection import DomainView, Inspection

Thing = Annotated[str, typer.Argument(help="A domain, a recipe, or an artifact: bundled or its folder.")]

BAR = 24
"""Length of the longest bar in characters."""


def command(thing: Thing, json_: Json = False) -> None:
    """Inspect a domain, a recipe or an artifact: sizes, histograms, anchors, overlaps, suspicious data."""
    from rich.markup import escape

    from transfer.cli.output import print_json, print_table, say
    from transfer.planning.inspection import inspect
    from transfer.report.result_tables import results

    found = inspect(thing)
    if json_:
        print_json(found.as_dict())
        return
    _print_facts(found)
    for view in found.domains:
        _print_domain(view)
    if found.anchors:
        say("  most frequent anchors")
        _print_bars(found.anchors)
    for first, second, both in found.overlaps:
        say(f"[bold]{escape(first)} and {escape(second)}[/bold]  {both}")
    if found.metrics is not None:
        print_table(results(found.metrics))


def _print_facts(found: Inspection) -> None:
    from rich.markup import escape

    from transfer.cli.output import say

    if found.facts:
        say(f"[bold]{found.kind}[/bold]")
    for key, value in found.facts.items():
        if value not in (None, "", []):
            say(f"  {key.replace('_', ' '):<16} {escape(_short(value))}")


def _print_domain(view: DomainView) -> None:
    from rich.markup import escape

    from transfer.cli.output import say

    name, *rest = str(view.summary).splitlines()
    say(f"[bold]{escape(name)}[/bold]")
    for line in rest:
        say(escape(line))
    if view.report is not None:
        say("  preparation")
        for line in str(view.report).splitlines():
            say(f"    {escape(line)}")
    if view.coverage is None:
        say("  [yellow]no anchors[/yellow]: no word occurs in two titles")
    else:
        for line in str(view.coverage).splitlines():
            say(f"  {escape(line)}")
        say("  most frequent anchors")
        _print_bars(view.anchors)
    for suspicion in view.suspicions:
        say(f"  [yellow]{escape(suspicion.kind)}[/yellow]: {suspicion.count:,}, e.g. {escape(suspicion.example)}")


def _print_bars(counts: tuple[tuple[str, int], ...]) -> None:
    from rich.markup import escape

    from transfer.cli.output import say

    most = max((count for _, count in counts), default=1)
    width = max((len(word) for word, _ in counts), default=0)
    for word, count in counts:
        say(f"    {escape(word):<{width}} [cyan]{'█' * max(round(BAR * count / most), 1):<{BAR}}[/cyan] {count:,}")


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(entry) for entry in value)
    if isinstance(value, dict):
        return f"{value['name']} ({value['users']:,} users, {value['items']:,} items)"
    return f"{value:,}" if isinstance(value, int) else str(value)
