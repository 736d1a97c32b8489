"""`transfer variants`."""

from __future__ import annotations

from transfer.cli.options import Json

PARTS = {
    "anchors": "learned vectors of an item's anchors join its ID",
    "anchors-semantic": "sentence vectors of its anchors join its ID",
    "title-semantic": "the sentence vector of its text joins its ID",
    "categories": "learned vectors of its categories join its ID",
    "no-id": "an item has no ID",
    "source": "encoder and item maps start from the source artifact's",
    "ipe": "interests enter as prompts, the paper's method; then one of:",
    "positions": "interests up to each item are added to it",
    "s2idm": "diffused interests (without ipe: fused with the states)",
    "raw": "interests without diffusion",
    "constant": "the control: prompts without interests",
    "shuffled": "the control: another user's interests",
    "matching": "late terms: titles, anchors, popularity",
    "terms": "every late term: matching, transitions and repeats",
}
"""What may follow a system in a variant's label."""


def command(json_: Json = False) -> None:
    """List the systems that a recipe can name, and the parts that join them."""
    from rich.markup import escape

    from transfer.cli.show import print_json, say
    from transfer.registry import find_system, system_names

    systems = {name: find_system(name).summary for name in system_names()}
    if json_:
        print_json({"systems": systems, "parts": PARTS})
        return
    for title, rows in (("Systems", systems), ("Parts, joined with +", PARTS)):
        say(f"[bold]{title}[/bold]")
        for name, summary in rows.items():
            say(f"  {escape(name):<16}  {escape(summary)}")
    say("Example: transfer run RECIPE --variants popular,sasrec,sasrec+ipe+s2idm")
