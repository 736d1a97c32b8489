"""Options that several commands share."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of a bundled recipe (book_to_film).")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the recipe, e.g. --set encoder.dim=128."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Run this one seed in place of the recipe's.")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU where there is one), cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")]
Variants = Annotated[
    str | None, typer.Option("--variants", help="Comma-separated models, e.g. sasrec,sasrec+ipe+constant.")
]


def overrides(given: list[str] | None, seed: int | None, variants: str | None = None) -> list[str]:
    """Options as overrides of a recipe."""
    out = list(given or [])
    if seed is not None:
        out.append(f"seeds=[{seed}]")
    if variants is not None:
        out.append(f"variants=[{variants}]")
    return out


def as_typed(given: list[str] | None, seed: int | None, variants: str | None = None) -> str:
    """The same options for the next command, which without them would do something else; empty where there are none."""
    typed = [f" --set {shlex.quote(override)}" for override in given or ()]
    typed += [] if seed is None else [f" --seed {seed}"]
    return "".join(typed + ([] if variants is None else [f" --variants {shlex.quote(variants)}"]))
