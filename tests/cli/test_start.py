"""Starting: every command is listed, and asking for help imports nothing that takes time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_cases import run_command
from typer.main import get_command

from transfer.cli.main import app

ROOT = Path(__file__).parents[2]
COMMANDS = [entry.name for entry in (*app.registered_commands, *app.registered_groups)]
HEAVY = (
    "torch",
    "numpy",
    "polars",
    "pyarrow",
    "scipy",
    "yaml",
    "nltk",
    "spacy",
    "transformers",
    "datasets",
)
SLOW = ("torch._dynamo", "sympy", "scipy.spatial", "pandas", "transformers", "datasets", "matplotlib")
"""What the first answer must not wait for."""


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "--help")
    assert result.code == 0
    assert {"fit-source", "adapt-target", "run", "recommend", "init", "inspect", "domains", "recipe"} <= set(COMMANDS)
    for command in COMMANDS:
        assert command in result.out


@pytest.mark.parametrize(
    "command", [("--help",), ("run", "--help"), ("domains", "--help"), ("recipe", "check", "--help")]
)
def test_help_imports_nothing_heavy(command: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from transfer.cli.main import main\n"
        f"sys.argv = ['transfer', *{command!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "heavy: []"


@pytest.mark.parametrize("asked", [("--user", "u0"), ("--history", "g17")])
def test_an_answer_needs_no_imports_that_take_long(asked: tuple[str, str]) -> None:
    code = (
        "import sys\n"
        "from transfer.cli.main import main\n"
        f"sys.argv = ['transfer', 'recommend', 'tests/fixtures/format-4/target', *{asked!r}]\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code\n"
        f"print('slow:', sorted(set({SLOW!r}) & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "slow: []"


def test_an_interrupted_command_says_that_it_can_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("recipes.load.bundled_recipes", interrupted)
    result = run_command(capsys, "recipe", "list")
    assert result.code == 130
    assert result.err == "Stopped. Finished results are kept: run the same command to resume.\n"


def leaves(command: Any, name: str = "transfer") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its whole name."""
    below = getattr(command, "commands", {})
    for word, child in below.items():
        yield from leaves(child, f"{name} {word}")
    if not below:
        yield name, command


@pytest.mark.parametrize(("name", "command"), list(leaves(get_command(app))))
def test_every_command_argument_and_option_says_what_it_is(name: str, command: Any) -> None:
    assert command.help, name
    for parameter in command.params:
        assert parameter.help, f"{name}: {parameter.name}"


@pytest.mark.parametrize("command", [("inspect",), ("recipe", "check"), ("run",), ("verify",), ("domains",)])
def test_a_name_too_long_for_a_file_is_one_message(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_command(capsys, *command, "book" + "[" * 3000)
    assert result.code == 2
    assert result.err.count("Error") <= 1
    assert "Traceback" not in result.err
