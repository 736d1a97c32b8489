"""`transfer run RECIPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, RecipeArgument, Seed, Set, Variants, overrides

Out = Annotated[
    Path | None, typer.Option("--out", help="Folder to write, with source/ and target/ in it; runs/RECIPE by default.")
]


def command(
    recipe: RecipeArgument, out: Out = None, variants: Variants = None, set_: Set = None, device: Device = "auto",
    seed: Seed = None, json_: Json = False,
) -> None:  # fmt: skip
    """Fit the sources, adapt to the target, compare: a whole recipe in one command."""
    from domains.errors import InputError
    from recipes.load import load_recipe
    from transfer.cli.show import progress_for
    from transfer.cli.target_report import print_target
    from transfer.runs.checks import trained_variants
    from transfer.runs.pipeline import check_target, default_folder, source_from, target_from
    from transfer.runtime import Runtime

    loaded = load_recipe(recipe, overrides(set_, seed, variants))
    if loaded.recipe.target is None:
        raise InputError("this recipe names no target", location=loaded.path, hint="Add 'target:', or use fit-source")
    trained_variants(loaded.recipe)
    folder = out or default_folder(loaded)
    runtime = Runtime.current(device, progress_for(json_))
    check_target(loaded, folder / "target")
    source = source_from(loaded, folder / "source", runtime)
    result = target_from(source, loaded, folder / "target", runtime)
    print_target(result.metrics, folder / "target", json_)
