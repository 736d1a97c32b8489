"""`transfer run`, its two halves `fit-source` and `adapt-target`, and `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, RecipeArgument, Seed, Set, Variants, as_typed, overrides

RunOut = Annotated[Path | None, typer.Option("--out", help="Folder for source/ and target/; runs/RECIPE by default.")]
Track = Annotated[str | None, typer.Option("--track", help="Also send results to a tracker, such as tensorboard.")]


def run(
    recipe: RecipeArgument,
    out: RunOut = None,
    variants: Variants = None,
    set_: Set = None,
    device: Device = "auto",
    seed: Seed = None,
    track: Track = None,
    json_: Json = False,
) -> None:
    """Run a whole recipe: fit the sources, adapt to the target, compare the variants."""
    from dataclasses import replace

    from rich.markup import escape

    from domains.errors import SettingsError
    from recipes.load import load_recipe
    from transfer.cli.output import runtime_for, say
    from transfer.cli.print_results import print_target
    from transfer.experiments.run_page import write_run_page
    from transfer.planning.run_time import source_steps, target_steps
    from transfer.runs.artifact import claim
    from transfer.runs.pipeline import default_folder, run_plan
    from transfer.runs.plan import make_plan
    from transfer.runs.target_run import KIND as TARGET
    from transfer.tracking import open_tracker

    loaded = load_recipe(recipe, overrides(set_, seed, variants))
    if loaded.recipe.target is None:
        raise SettingsError(
            "this recipe names no target",
            location=loaded.path,
            hint="Add 'target:', or use fit-source",
            code="no-target",
        )
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
    report = write_run_page(result, plan, folder, runtime.device) if runtime.is_main else None
    print_target(result.metrics, folder / "target", json_, report)


SourceOut = Annotated[Path | None, typer.Option("--out", help="Folder to write; runs/RECIPE/source by default.")]
Extend = Annotated[
    str | None, typer.Option("--extend", metavar="ARTIFACT", help="Extend this artifact; its anchors are kept.")
]

Licence = Annotated[
    str | None, typer.Option("--licence", help="Licence of the artifact, for its card, such as cc-by-sa-4.0.")
]

Vectors = Annotated[
    bool,
    typer.Option(
        "--vectors/--no-vectors",
        help="Store sentence vectors of the anchors. Without them, a target may use any encoder.",
    ),
]


def fit_source(
    recipe: RecipeArgument,
    out: SourceOut = None,
    set_: Set = None,
    device: Device = "auto",
    seed: Seed = None,
    extend: Extend = None,
    licence: Licence = None,
    vectors: Vectors = True,
    json_: Json = False,
) -> None:
    """Learn vocabulary and S2IDM on the recipe's source domains, and write a source artifact."""
    from rich.markup import escape

    from recipes.load import load_recipe
    from transfer.cli.output import print_json, runtime_for, say
    from transfer.planning.run_time import source_steps
    from transfer.runs.checks import check_has_sources
    from transfer.runs.pipeline import default_folder, source_from
    from transfer.runs.plan import make_plan
    from transfer.runs.source_artifact import SourceArtifact

    loaded = load_recipe(recipe, overrides(set_, seed))
    check_has_sources(loaded.recipe.sources, loaded.path)
    folder = out or default_folder(loaded) / "source"
    before = None if extend is None else SourceArtifact.load(extend)
    runtime, plan = runtime_for(device, json_), make_plan(loaded, adapts=False)
    runtime.steps.expect(source_steps(plan, with_s2idm=True))
    artifact = source_from(plan, folder, runtime, before, licence=licence, vectors=vectors)
    if json_:
        print_json(
            {"folder": str(folder), "anchors": len(artifact.vocabulary), "domains": [vars(d) for d in artifact.domains]}
        )
        return
    names = ", ".join(note.name for note in artifact.domains)
    anchors = f"{len(artifact.vocabulary):,} anchors"
    say(f"Source artifact of {escape(names)}: {anchors} -> [bold]{escape(str(folder))}[/bold]")
    say(escape(f"Next: transfer adapt-target {folder} {recipe}{as_typed(set_, seed)}"))


TargetOut = Annotated[Path | None, typer.Option("--out", help="Folder to write; runs/RECIPE/target by default.")]
Artifact = Annotated[str, typer.Argument(help="A source artifact: bundled, its folder, or its hub id.")]
Target = Annotated[str, typer.Argument(help="A recipe with a target, or a domain (films, movielens:ml-1m, a folder).")]
Shots = Annotated[float | None, typer.Option("--shots", help="Share of the target's users that train, 0 to 1.")]


def adapt_target(
    artifact: Artifact,
    target: Target,
    out: TargetOut = None,
    variants: Variants = None,
    shots: Shots = None,
    set_: Set = None,
    device: Device = "auto",
    seed: Seed = None,
    json_: Json = False,
) -> None:
    """Adapt a source artifact to a target domain. All variants have the same budget and the same evaluation."""
    from transfer.cli.output import runtime_for
    from transfer.cli.print_results import print_target
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
    if source.s2idm is not None and not plan.needs_s2idm:
        runtime.log("No variant reads the S2IDM of this artifact; --variants sasrec,sasrec+ipe+s2idm does, for example")
    run = target_from(plan, source, folder, runtime)
    print_target(run.metrics, folder, json_)


Run = Annotated[str, typer.Argument(help="Folder of a target run, or its hub id.")]


def evaluate(run: Run, device: Device = "auto", json_: Json = False) -> None:
    """Evaluate a target run again from its files. Exit code 1 if the figures differ from metrics.json."""
    from rich.markup import escape

    from transfer.cli.output import plain_table, print_json, print_plain, say
    from transfer.runs.reevaluate import SAME, largest_gap, reevaluate
    from transfer.runtime import Runtime
    from transfer.serving.opened import open_run

    loaded = open_run(run)
    result = reevaluate(loaded, Runtime.current(device))
    gap = largest_gap(loaded, result)
    if json_:
        print_json(result)
        raise typer.Exit(int(gap >= SAME))
    say(f"[bold]{escape(loaded.variant.label)}[/bold] on {escape(loaded.domain.name)}")
    table = plain_table("")
    for heading in ("", "candidates", *next(iter(result["test"].values()))):
        table.add_column(heading, justify="left" if heading in ("", "candidates") else "right")
    for stage in ("validation", "test"):
        for protocol, values in result[stage].items():
            table.add_row(stage, protocol, *(f"{value:.4f}" for value in values.values()))
    print_plain(table)
    if gap < SAME:
        say("The figures agree with metrics.json.")
        return
    say(
        f"[yellow]The figures differ from metrics.json by up to {gap:.2g}.[/yellow] Another device or "
        "precision explains a small difference. A large one means that the folder was changed."
    )
    raise typer.Exit(1)
