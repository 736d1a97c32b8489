"""`transfer serve RUN`."""

from __future__ import annotations

from typing import Annotated

import typer

Run = Annotated[str, typer.Argument(help="Folder of a run; a new run written there is taken without a restart.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen at.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen at.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Another finished variant of the run.")]


def command(run: Run, host: Host = "127.0.0.1", port: Port = 8000, variant: Variant = None) -> None:
    """Serve recommendations over HTTP, with a page to try them at /."""
    from domains.errors import InputError

    try:
        import uvicorn

        from transfer.serving.service import make_app
    except ImportError as missing:
        raise InputError(
            f"{missing.name} is not installed",
            location="transfer serve",
            hint='Install the extra: pip install "sememe-transfer[serve]"',
            code="no-extra",
        ) from None
    uvicorn.run(make_app(run, variant), host=host, port=port, log_level="warning", access_log=False)
