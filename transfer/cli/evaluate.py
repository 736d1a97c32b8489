"""`transfer evaluate RUN`."""

from __future__ import annotations

from typing import Annotated

import typer

from transfer.cli.options import Json

Run = Annotated[str, typer.Argument(help="Folder of a target run, or its hub id.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


def command(run: Run, device: Device = "auto", json_: Json = False) -> None:
    """Evaluate a target run's product model again, from its files alone, and hold it against its metrics.json."""
    from rich.markup import escape

    from transfer.cli.show import print_json, say
    from transfer.runs.target_run import TargetRun
    from transfer.runtime import Runtime
    from transfer.serving.reevaluate import SAME, largest_gap, reevaluate

    loaded = TargetRun.load(run)
    result = reevaluate(loaded, Runtime.current(device))
    if json_:
        print_json(result)
        return
    say(f"[bold]{escape(loaded.variant.label)}[/bold] on {escape(loaded.domain.name)}")
    for stage in ("validation", "test"):
        for protocol, values in result[stage].items():
            shown = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            say(f"  {stage:10s} {protocol:7s} {shown}")
    gap = largest_gap(loaded, result)
    if gap < SAME:
        say("The same as in metrics.json.")
        return
    say(
        f"[yellow]metrics.json says otherwise, by up to {gap:.2g}.[/yellow] Another device or precision explains small "
        "differences, not large ones: then the folder was changed."
    )
    raise typer.Exit(1)
