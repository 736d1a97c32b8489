"""`transfer experiment RECIPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, Seed, Set, Variants, overrides

Out = Annotated[
    Path | None, typer.Option("--out", help="Folder to write; runs/NAME by default, runs/NAME-quick with --quick.")
]
Given = Annotated[str, typer.Argument(help="An experiment or recipe: a bundled name (table4) or a YAML file.")]
Quick = Annotated[bool, typer.Option("--quick", help="A sample of users, few epochs, one seed: does everything work?")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes at a time; one a core, or one on a GPU, by default.")
]


def command(
    experiment: Given, out: Out = None, quick: Quick = False, workers: Workers = None, variants: Variants = None,
    set_: Set = None, device: Device = "auto", seed: Seed = None, json_: Json = False,
) -> None:  # fmt: skip
    """Run variants x seeds x data sets, go on where it stopped, and write metrics.json, table.md and report.html."""
    from recipes.experiment_schema import load_experiment
    from transfer.cli.experiment_report import print_experiment
    from transfer.cli.show import runtime_for
    from transfer.experiments.execute import run_experiment
    from transfer.runs.pipeline import DEFAULT_ROOT

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
