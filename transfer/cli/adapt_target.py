"""`transfer adapt-target ARTIFACT RECIPE_OR_DOMAIN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, Seed, Set, Variants, overrides

Out = Annotated[Path | None, typer.Option("--out", help="Folder to write; runs/RECIPE/target by default.")]
Artifact = Annotated[str, typer.Argument(help="Folder of a source artifact, or its hub id.")]
Target = Annotated[str, typer.Argument(help="A recipe with a target, or a domain (films, movielens:ml-1m, a folder).")]
Shots = Annotated[float | None, typer.Option("--shots", help="Share of the target's users that train, 0 to 1.")]


def command(
    artifact: Artifact, target: Target, out: Out = None, variants: Variants = None, shots: Shots = None,
    set_: Set = None, device: Device = "auto", seed: Seed = None, json_: Json = False,
) -> None:  # fmt: skip
    """Adapt a source artifact to a target domain: every variant with the same budget, evaluated alike."""
    from transfer.cli.show import runtime_for
    from transfer.cli.target_report import print_target
    from transfer.planning.run_time import target_steps
    from transfer.runs.pipeline import default_folder, recipe_for_target, target_from
    from transfer.runs.plan import make_plan
    from transfer.runs.source_artifact import SourceArtifact

    source = SourceArtifact.load(artifact)
    extra = overrides(set_, seed, variants) + ([] if shots is None else [f"shots={shots}"])
    loaded = recipe_for_target(source, target, extra)
    folder = out or default_folder(loaded) / "target"
    runtime, plan = runtime_for(device, json_), make_plan(loaded, source)
    runtime.steps.expect(target_steps(plan))
    run = target_from(plan, source, folder, runtime)
    print_target(run.metrics, folder, json_)
