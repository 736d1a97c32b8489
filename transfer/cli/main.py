"""The `transfer` command. Modules that cost time to import are imported by the command that needs them."""

from __future__ import annotations

import errno
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from domains.errors import InputError
from transfer.cli import (
    adapt_target,
    anchors,
    domains,
    evaluate,
    experiment,
    explain,
    export,
    fit_source,
    init,
    inspect,
    prepare,
    recipe,
    recommend,
    run,
    serve,
    share,
    titles,
    tune,
    variants,
    verify,
)
from transfer.cli.interrupt import INTERRUPTED, Interrupts

app = typer.Typer(
    name="transfer",
    help="Carry what was learned in some domains into a recommender for another one, with no shared users.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sememe-transfer {version('sememe-transfer')}")
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
app.command("run")(run.command)
app.command("recommend")(recommend.command)
app.command("fit-source")(fit_source.command)
app.command("adapt-target")(adapt_target.command)
app.command("experiment")(experiment.command)
app.command("evaluate")(evaluate.command)
app.command("serve")(serve.command)
app.command("prepare")(prepare.command)
app.command("share")(share.command)
app.command("export")(export.command)
app.command("explain")(explain.command)
app.command("titles")(titles.command)
app.command("verify")(verify.command)
app.command("tune")(tune.command)
app.command("variants")(variants.command)
app.command("inspect")(inspect.command)
app.add_typer(anchors.app, name="anchors")
app.add_typer(domains.app, name="domains")
app.add_typer(recipe.app, name="recipe")


def main() -> None:
    """Run a command; a user's mistake becomes one message and exit code 2."""
    if int(os.environ.get("RANK", "0")) > 0:  # one of several processes on one run: the first one speaks
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    with Interrupts() as interrupts:
        _run(interrupts)


ANYWHERE = ("--quiet", "--verbose", "--debug")
"""Options of every command that may also follow the command."""


def _in_front(arguments: list[str]) -> list[str]:
    """Return the arguments with the options of every command first."""
    return [one for one in arguments if one in ANYWHERE] + [one for one in arguments if one not in ANYWHERE]


def _run(interrupts: Interrupts) -> None:
    try:
        app(_in_front(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(interrupts.finish())
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
            sys.exit(interrupts.finish())
        raise
    except (ValueError, OSError) as error:
        found = _input_error(error)
        if found is None or os.environ.get("TRANSFER_DEBUG"):
            raise
        from transfer.cli.show import show_error

        show_error(found)
        sys.exit(2)


def _input_error(error: ValueError | OSError) -> InputError | None:
    """What only the user can correct; a full disk counts, wherever it strikes."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        from transfer.files import cannot_write

        return cannot_write(error, Path(error.filename or Path.cwd()))
    return None


if __name__ == "__main__":
    main()
