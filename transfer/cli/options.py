"""Options that commands share, and questions at the terminal."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from domains.errors import SettingsError

RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of a bundled recipe (book_to_film).")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the recipe, e.g. --set encoder.dim=128."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Run this one seed in place of the recipe's.")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU if available), cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Recommend with another finished variant of the run.")]
Variants = Annotated[
    str | None, typer.Option("--variants", help="Comma-separated models, e.g. sasrec,sasrec+ipe+constant.")
]


def overrides(given: list[str] | None, seed: int | None, variants: str | None = None) -> list[str]:
    """Return the options as overrides of a recipe."""
    out = list(given or [])
    if seed is not None:
        out.append(f"seeds=[{seed}]")
    if variants is not None:
        out.append(f"variants=[{variants}]")
    return out


def as_typed(given: list[str] | None, seed: int | None, variants: str | None = None) -> str:
    """Return the options as text, for the command to run next."""
    typed = [f" --set {shlex.quote(override)}" for override in given or ()]
    typed += [] if seed is None else [f" --seed {seed}"]
    return "".join(typed + ([] if variants is None else [f" --variants {shlex.quote(variants)}"]))


def at_terminal() -> bool:
    """Return whether standard input is a terminal."""
    return sys.stdin.isatty()


def confirm(question: str, option: str) -> bool:
    """Ask a yes-or-no question.

    Args:
        question: text of the question.
        option: option that answers yes beforehand.

    Raises:
        InputError: standard input is not a terminal.
    """
    if not at_terminal():
        raise SettingsError(
            f"{question} Standard input is no terminal, so it cannot be asked",
            location=option,
            hint=f"Give {option} to agree",
            code="option-missing",
        )
    return typer.confirm(question, err=True)


def choose(
    question: str,
    choices: Collection[str],
    option: str,
    default: str | None = None,
    otherwise: str = "",
    examples: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Ask for one of several names, until a valid one is given.

    Args:
        question: text of the question.
        choices: the names.
        option: option that answers beforehand.
        default: value of an empty answer.
        otherwise: further advice at the end of the hint.
        examples: what some names stand for, shown beside them.

    Raises:
        InputError: standard input is not a terminal, and there is no default.
    """
    shown = ", ".join(f"{name} ({examples[name]})" if name in examples else name for name in choices)
    if not at_terminal():
        if default is not None:
            return default
        hint = f"One of: {shown}{otherwise}"
        raise SettingsError(f"{question} Cannot guess", location=option, hint=hint, code="option-missing")
    while True:
        given = str(typer.prompt(f"{question} ({shown})", default=default, err=True))
        if given in choices:
            return given
        typer.echo(f"There is no {given!r}.", err=True)
