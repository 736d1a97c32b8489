"""`transfer experiment` and `transfer tune`: many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, RecipeArgument, Seed, Set, Variants, overrides

ExperimentOut = Annotated[
    Path | None, typer.Option("--out", help="Folder to write; runs/NAME by default, runs/NAME-quick with --quick.")
]
Given = Annotated[str, typer.Argument(help="An experiment or recipe: a bundled name (table4) or a YAML file.")]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="A trial with few users, few epochs and one seed, to see whether everything works."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Number of parallel processes; default: one per core, or one on a GPU."),
]


def experiment(
    experiment: Given,
    out: ExperimentOut = None,
    quick: Quick = False,
    workers: Workers = None,
    variants: Variants = None,
    set_: Set = None,
    device: Device = "auto",
    seed: Seed = None,
    json_: Json = False,
) -> None:
    """Run variants x seeds x data sets, or resume them, and write metrics.json, table.md and report.html."""
    from recipes.experiment_schema import load_experiment
    from transfer.cli.output import runtime_for
    from transfer.cli.print_results import print_experiment
    from transfer.experiments.execute import run_experiment
    from transfer.runs.source_places import DEFAULT_ROOT

    loaded = load_experiment(experiment)
    folder = out or DEFAULT_ROOT / (loaded.experiment.name + ("-quick" if quick else ""))
    record = run_experiment(
        loaded,
        folder,
        runtime_for(device, json_),
        device=device,
        workers=workers,
        quick=quick,
        overrides=overrides(set_, seed, variants),
    )
    print_experiment(record, folder, json_)


TuningOut = Annotated[Path | None, typer.Option("--out", help="Folder of the search; runs/RECIPE/tuning by default.")]
Trials = Annotated[int, typer.Option("--trials", min=1, help="Total number of trials, with those of earlier sessions.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Variant to tune; the recipe's last one by default.")]
SpaceFile = Annotated[
    Path | None,
    typer.Option("--space", metavar="FILE", help="YAML of keys with lists or {low, high, step, log}."),
]


def tune(
    recipe: RecipeArgument,
    out: TuningOut = None,
    trials: Trials = 30,
    variant: Variant = None,
    space: SpaceFile = None,
    set_: Set = None,
    device: Device = "auto",
    json_: Json = False,
) -> None:
    """Search for better settings of one model with Optuna, on validation only, and write the found recipe."""
    from rich.markup import escape

    from recipes.load import load_recipe
    from transfer.cli.output import print_json, runtime_for, say
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
        say(f"{found.trials} trials, none better than the unchanged recipe: {found.metric} {found.before:.4g}")
        return
    say(f"{found.metric} on validation: {found.before:.4g} -> [bold]{found.best:.4g}[/bold] ({found.trials} trials)")
    for key, value in found.values.items():
        say(escape(f"  {key}: {value}"))
    say(escape(f"Next: transfer run {found.recipe}"))
