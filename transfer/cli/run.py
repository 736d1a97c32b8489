"""`transfer run RECIPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, RecipeArgument, Seed, Set, Variants, overrides

Out = Annotated[
    Path | None, typer.Option("--out", help="Folder to write, with source/ and target/ in it; runs/RECIPE by default.")
]
Track = Annotated[str | None, typer.Option("--track", help="Tell a tracker, such as tensorboard, as well.")]


def command(
    recipe: RecipeArgument, out: Out = None, variants: Variants = None, set_: Set = None, device: Device = "auto",
    seed: Seed = None, track: Track = None, json_: Json = False,
) -> None:  # fmt: skip
    """Fit the sources, adapt to the target, compare: a whole recipe in one command."""
    from dataclasses import replace

    from rich.markup import escape

    from domains.errors import InputError
    from recipes.load import load_recipe
    from transfer.cli.show import runtime_for, say
    from transfer.cli.target_report import print_target
    from transfer.planning.run_time import source_steps, target_steps
    from transfer.runs.artifact import claim
    from transfer.runs.pipeline import default_folder, run_plan
    from transfer.runs.plan import make_plan
    from transfer.runs.target_run import KIND as TARGET
    from transfer.tracking import open_tracker

    loaded = load_recipe(recipe, overrides(set_, seed, variants))
    if loaded.recipe.target is None:
        raise InputError("this recipe names no target", location=loaded.path, hint="Add 'target:', or use fit-source")
    folder = out or default_folder(loaded)
    runtime = runtime_for(device, json_)
    claim(folder / "target", TARGET)
    if runtime.is_main:
        runtime = replace(runtime, tracker=open_tracker(track, folder))
    plan = make_plan(loaded)
    if plan.target is not None and not json_:
        for line in plan.target.report.left_out:
            say(f"[bold]{escape(line)}[/bold]")
    runtime.steps.expect([*source_steps(plan, plan.needs_s2idm), *target_steps(plan)])
    result = run_plan(plan, folder, runtime)
    print_target(result.metrics, folder / "target", json_)
