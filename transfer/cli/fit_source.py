"""`transfer fit-source RECIPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transfer.cli.options import Device, Json, RecipeArgument, Seed, Set, as_typed, overrides

Out = Annotated[Path | None, typer.Option("--out", help="Folder to write; runs/RECIPE/source by default.")]
Extend = Annotated[
    str | None, typer.Option("--extend", metavar="ARTIFACT", help="Go on from this artifact; its anchors stay.")
]


def command(
    recipe: RecipeArgument, out: Out = None, set_: Set = None, device: Device = "auto", seed: Seed = None,
    extend: Extend = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """Learn vocabulary and S2IDM on the recipe's source domains, and write a source artifact."""
    from rich.markup import escape

    from recipes.load import load_recipe
    from transfer.cli.show import print_json, runtime_for, say
    from transfer.planning.run_time import source_steps
    from transfer.runs.pipeline import default_folder, source_from
    from transfer.runs.plan import make_plan
    from transfer.runs.source_artifact import SourceArtifact

    loaded = load_recipe(recipe, overrides(set_, seed))
    folder = out or default_folder(loaded) / "source"
    before = None if extend is None else SourceArtifact.load(extend)
    runtime, plan = runtime_for(device, json_), make_plan(loaded, adapts=False)
    runtime.steps.expect(source_steps(plan, with_s2idm=True))
    artifact = source_from(plan, folder, runtime, before)
    if json_:
        print_json(
            {"folder": str(folder), "anchors": len(artifact.vocabulary), "domains": [vars(d) for d in artifact.domains]}
        )
        return
    names = ", ".join(note.name for note in artifact.domains)
    anchors = f"{len(artifact.vocabulary):,} anchors"
    say(f"Source artifact of {escape(names)}: {anchors} -> [bold]{escape(str(folder))}[/bold]")
    say(escape(f"Next: transfer adapt-target {folder} {recipe}{as_typed(set_, seed)}"))
