"""The `transfer` command. Modules that are slow to import are imported only by the commands that need them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Self

import typer

from domains.disk import FULL, HINTS, cannot_write
from domains.errors import InputError
from transfer.cli import deploy, domains, experiment, init, inspect, lookup, recipe, recommend, run, share, sources
from transfer.memory import reuse_memory
from transfer.release import release
from transfer.threads import share_cores

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM, as shells know them."""
GRACE = 1.5
"""Seconds that Python has to react to a signal before the process is ended; long computations in C do not react."""
MESSAGE = "Stopped. Finished results are kept: run the same command to resume."


class Interrupts:
    """Turns both signals into KeyboardInterrupt, and ends the process if it does not react in time.

    Ending at once is safe: files are written under temporary names and renamed.
    """

    def __init__(self) -> None:
        self.code = INTERRUPTED
        self._stopped = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Start to handle the signals; only possible in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return self
        self._before = {number: signal.signal(number, self._heard) for number in (signal.SIGTERM, signal.SIGINT)}
        # The interpreter writes each signal's number here at once, also while the main thread computes in C.
        self._listener, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True, name="interrupts").start()
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the previous handlers."""
        self._stopped.set()
        if not self._before:
            return
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._writer.close()

    def _heard(self, number: int, _: FrameType | None) -> None:
        self.code = TERMINATED if number == signal.SIGTERM else INTERRUPTED
        raise KeyboardInterrupt

    def _watch(self) -> None:
        with self._listener:
            while numbers := self._listener.recv(16):
                heard = {signal.SIGTERM, signal.SIGINT} & set(numbers)
                if heard and not self._stopped.wait(GRACE):
                    for child in multiprocessing.active_children():
                        child.terminate()
                    os.write(2, f"{MESSAGE}\n".encode())
                    os._exit(TERMINATED if signal.SIGTERM in heard else INTERRUPTED)

    def finish(self) -> int:
        """Print that the command was stopped, and return the exit code."""
        self._stopped.set()
        print(MESSAGE, file=sys.stderr)
        return self.code


app = typer.Typer(
    name="transfer",
    help="Recommend in a domain with little data, with the help of other domains and without shared users.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sememe-transfer {release()}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress: only results, notes and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every epoch as well.")] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Open addresses of this scheme: https, s3 or gs; may be repeated."),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["TRANSFER_DEBUG"] = "1"
    if quiet or verbose:
        os.environ["TRANSFER_LOG_LEVEL"] = "WARNING" if quiet else "DEBUG"
    if allow:
        from domains.io.paths import VARIABLE, check_schemes

        os.environ[VARIABLE] = " ".join(sorted(check_schemes(allow, "--allow")))


app.command("init")(init.command)
app.command("run")(run.run)
app.command("recommend")(recommend.command)
app.command("fit-source")(run.fit_source)
app.command("adapt-target")(run.adapt_target)
app.command("sources")(sources.sources)
app.command("experiment")(experiment.experiment)
app.command("evaluate")(run.evaluate)
app.command("serve")(deploy.serve)
app.command("prepare")(domains.prepare)
app.command("share")(share.share)
app.command("export")(deploy.export)
app.command("explain")(lookup.explain)
app.command("titles")(lookup.titles)
app.command("verify")(share.verify)
app.command("tune")(experiment.tune)
app.command("variants")(recipe.variants)
app.command("inspect")(inspect.command)
app.add_typer(lookup.anchors, name="anchors")
app.add_typer(domains.app, name="domains")
app.add_typer(recipe.app, name="recipe")


def main() -> None:
    """Run a command; an input error becomes one message and exit code 2."""
    if int(os.environ.get("RANK", "0")) > 0:  # only the first of several processes prints
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    reuse_memory()
    share_cores()
    with Interrupts() as interrupts:
        _run(interrupts)


ANYWHERE = ("--quiet", "--verbose", "--debug")
"""General options that may also follow the command."""


def _in_front(arguments: list[str]) -> list[str]:
    """Return the arguments with the general options first."""
    return [one for one in arguments if one in ANYWHERE] + [one for one in arguments if one not in ANYWHERE]


def _run(interrupts: Interrupts) -> None:
    try:
        app(_in_front(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(interrupts.finish())
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer turns KeyboardInterrupt into this
            sys.exit(interrupts.finish())
        raise
    except (ValueError, OSError) as error:
        found = _input_error(error)
        if found is None or os.environ.get("TRANSFER_DEBUG"):
            raise
        from transfer.cli.output import show_error

        show_error(found)
        sys.exit(2)


def _input_error(error: ValueError | OSError) -> InputError | None:
    """Return the error as one that the user can correct, or None. A full disk counts."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return cannot_write(error, Path(error.filename or Path.cwd()))
    if isinstance(error, OSError) and error.errno in UNUSABLE and error.filename is not None:
        name = os.fsdecode(error.filename)
        shown = name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}..."
        return InputError(
            f"this file or folder cannot be used: {error.strerror}",
            location=shown,
            hint=HINTS[error.errno],
            code="unusable-path",
        )
    return None


UNUSABLE = HINTS.keys() - FULL
"""Errors of the file system that only the user can correct."""
LONGEST_SHOWN = 100
"""Maximum length of a path in a message."""


if __name__ == "__main__":
    main()
