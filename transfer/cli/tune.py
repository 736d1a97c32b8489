"""`transfer tune RECIPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, RecipeArgument, Set

Out = Annotated[Path | None, typer.Option("--out", help="Folder of the search; runs/RECIPE/tuning by default.")]
Trials = Annotated[int, typer.Option("--trials", min=1, help="How many in all, with those of earlier sessions.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Which model; the recipe's last one by default.")]
SpaceFile = Annotated[
    Path | None,
    typer.Option("--space", metavar="FILE", help="YAML of keys with lists or {low, high, step, log}."),
]


def command(
    recipe: RecipeArgument, out: Out = None, trials: Trials = 30, variant: Variant = None, space: SpaceFile = None,
    set_: Set = None, device: Device = "auto", json_: Json = False,
) -> None:  # fmt: skip
    """Search for better settings of one model with Optuna, on validation only, and write the found recipe."""
    from rich.markup import escape

    from recipes.load import load_recipe
    from transfer.cli.show import print_json, runtime_for, say
    from transfer.runs.pipeline import default_folder
    from transfer.tuning import read_space, tune

    allowed = read_space(space)
    folder = out or default_folder(load_recipe(recipe, list(set_ or ()))) / "tuning"
    runtime = runtime_for(device, json_)
    found = tune(recipe, folder, runtime, variant=variant, trials=trials, space=allowed, overrides=set_)
    if json_:
        print_json(vars(found) | {"recipe": str(found.recipe), "values": dict(found.values)})
        return
    if not found.values:
        say(f"{found.trials} trials, none better than the recipe as it is: {found.metric} {found.before:.4g}")
        return
    say(f"{found.metric} on validation: {found.before:.4g} -> [bold]{found.best:.4g}[/bold] ({found.trials} trials)")
    for key, value in found.values.items():
        say(escape(f"  {key}: {value}"))
    say(escape(f"Next: transfer run {found.recipe}"))
