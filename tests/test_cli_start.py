"""Starting: every command is listed, and asking for help imports nothing that takes time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_cases import run_command

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "fit-source", "adapt-target", "run", "evaluate", "recommend", "init", "inspect", "domains", "recipe",
)  # fmt: skip
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


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "--help")
    assert result.code == 0
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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_is(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, command, "--help")
    assert result.code == 0
    options = [line for line in result.out.splitlines() if line.startswith("│ ") and " --" in line]
    assert options
    for line in options:
        assert len(line.strip("│ ").split()) > 2, line
