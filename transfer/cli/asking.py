"""Questions to the person at the terminal. Where nobody sits there, the option that answers is named instead."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from domains.errors import InputError


def at_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty()


def confirm(question: str, option: str) -> bool:
    """Ask for a yes.

    Args:
        question: what to agree to.
        option: that agrees beforehand.

    Raises:
        InputError: nobody is there to ask.
    """
    if not at_terminal():
        raise InputError(f"{question} Nobody is there to ask", location=option, hint=f"Give {option} to agree")
    return typer.confirm(question, err=True)


def choose(question: str, choices: Sequence[str], option: str, default: str | None = None) -> str:
    """Ask for one of some names until one of them is given.

    Args:
        question: what to choose.
        choices: the names.
        option: that answers beforehand.
        default: what Enter alone means.

    Raises:
        InputError: nobody is there to ask, and there is no default.
    """
    if not at_terminal():
        if default is not None:
            return default
        raise InputError(f"{question} That cannot be guessed", location=option, hint=f"One of: {', '.join(choices)}")
    while True:
        given = str(typer.prompt(f"{question} ({', '.join(choices)})", default=default, err=True))
        if given in choices:
            return given
        typer.echo(f"There is no {given!r}.", err=True)
