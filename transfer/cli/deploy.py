"""`transfer serve` and `transfer export`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

ServedRun = Annotated[str, typer.Argument(help="Folder of a run; a new run written there is loaded without a restart.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Recommend with another finished variant of the run.")]


def serve(run: ServedRun, host: Host = "127.0.0.1", port: Port = 8000, variant: Variant = None) -> None:
    """Serve recommendations over HTTP, with a page to try them at /."""
    from domains.errors import InputError

    try:
        import torch
        import uvicorn

        from transfer.serving.service import make_app
    except ImportError as missing:
        raise InputError(
            f"{missing.name} is not installed",
            location="transfer serve",
            hint='Install the extra: pip install "sememe-transfer[serve]"',
            code="no-extra",
        ) from None
    if "OMP_NUM_THREADS" not in os.environ:
        # Threads that wait for each other's part spin, and would take the other half from the requests.
        torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    uvicorn.run(make_app(run, variant), host=host, port=port, log_level="warning", access_log=False)


Run = Annotated[str, typer.Argument(help="Folder of a run, or its hub id.")]
To = Annotated[str, typer.Option("--to", help="onnx or torch.")]
Out = Annotated[Path, typer.Option("--out", help="Folder to write to.")]


def export(run: Run, out: Out, to: To = "onnx", variant: Variant = None) -> None:
    """Export the product as one graph: histories in, scores out; with item vectors for a vector index."""
    from domains.errors import SettingsError
    from transfer.cli.output import say
    from transfer.serving.export import GRAPH, export
    from transfer.serving.opened import open_run

    form = next((name for name in GRAPH if name == to), None)
    if form is None:
        raise SettingsError(f"{to!r} is no format", location="--to", hint="Write onnx or torch", code="option")
    written = export(open_run(run, variant), out, form)
    say(f"Wrote {GRAPH[form]}, items.parquet and item_vectors.parquet to {written.folder}")
    if written.agreement is not None:
        say(f"onnxruntime gives the same top 20 for {written.agreement:.1%} of histories")
