"""`transfer serve` and `transfer export`."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from transfer.cli.options import Variant

ServedRun = Annotated[str, typer.Argument(help="Folder of a run; a new run written there is loaded without a restart.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]


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
    _check_free(host, port)
    uvicorn.run(make_app(run, variant), host=host, port=port, log_level="warning", access_log=False)


def _check_free(host: str, port: int) -> None:
    """Raise if nothing can listen at this address, before the run is loaded.

    Raises:
        InputError: another program listens there, or the address is not of this machine.
    """
    from domains.errors import SettingsError

    found = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        problems = [problem for problem in (_bound(*one) for one in found) if problem is not None]
    except OSError as error:
        problems = [error]
    used = any(problem.errno == errno.EADDRINUSE for problem in problems)
    if used or (problems and len(problems) >= len(found)):
        raise SettingsError(
            "another program listens there" if used else f"cannot listen there: {problems[0].strerror}",
            location=f"{host}:{port}",
            hint=f"Stop it, or give another port: --port {port % 65535 + 1}"
            if used
            else "Give another --host or --port",
            code="address",
        )


def _bound(family: int, kind: int, _: int, __: str, address: tuple[Any, ...]) -> OSError | None:
    """Return why nothing can listen at an address, with the options that the server sets."""
    try:
        with socket.socket(family, kind) as listener:
            if os.name == "posix":  # a port that was just closed is free
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
    except OSError as error:
        return error
    return None


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
        without = f", compared without {' and '.join(written.left_out)}" if written.left_out else ""
        say(f"onnxruntime gives the same top 20 for {written.agreement:.1%} of histories{without}")
