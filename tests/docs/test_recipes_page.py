"""The page on recipes is true: its recipes are valid, and its commands have the options that it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from recipes.load import load_recipe
from transfer.cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
def test_its_recipes_are_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_recipe(path).recipe.sources


@pytest.mark.parametrize("value", re.findall(r"`--set ([^`]*)`", PAGE))
def test_its_overrides_are_taken(value: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    pair = "{interactions: a.csv, items: b.csv, name: NAME}"
    path.write_text(f"sources: [{pair}]\ntarget: {pair}\n", encoding="utf-8")
    (override,) = shlex.split(value)
    assert load_recipe(path, [override]).recipe != load_recipe(path).recipe


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_commands_and_options_of_the_pages_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]*)`", text)]:
        words = line.removeprefix("$ ").split()
        if len(words) < 2 or words[0] != "transfer" or not words[1][0].isalpha():
            continue
        command, rest = get_command(app), words[1:]
        while getattr(command, "commands", None) and rest:
            assert rest[0] in command.commands, line
            command, rest = command.commands[rest[0]], rest[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if re.fullmatch(r"--?[a-z-]+", word)} <= options, line
