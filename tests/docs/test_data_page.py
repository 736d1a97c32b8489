"""The page on data is true: its Python runs, its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from domains.loaders.loader import BUILT_IN
from domains.open_domain import parse_spec
from domains.settings import ColumnMapping, PrepareSettings

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_runs(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/data.md", "exec"), {})
    assert capsys.readouterr().out


def test_each_loader_and_each_setting_has_its_row():
    rows = set(re.findall(r"^\| (`[^|]*`) \|", PAGE, flags=re.MULTILINE))
    named = {name for row in rows for name in re.findall(r"`([^`]*)`", row)}
    assert set(BUILT_IN) - {"bundled"} <= named
    of_times = {"time_kind", "time_unit", "time_format"}
    assert set(PrepareSettings.model_fields) - of_times <= named
    assert all(f"`{name}`" in PAGE for name in of_times)
    assert "`films`" in rows


def test_the_defaults_are_as_said():
    for name, field in PrepareSettings.model_fields.items():
        said = re.search(rf"^\| `{name}` \| `?([^|`]*)`? \|", PAGE, flags=re.MULTILINE)
        if said:
            assert said[1].strip() == ("-" if field.default in (None, ()) else str(field.default))


def test_the_recipe_parts_are_understood():
    spec = yaml.safe_load(blocks("yaml")[0])["target"]
    assert set(parse_spec(spec).options["columns"]) == set(ColumnMapping.model_fields)
    for short in re.findall(r"^\| `(films|movielens:[^`]*|saved/toys|\{[^`]*\})` \|", PAGE, flags=re.MULTILINE):
        parse_spec(yaml.safe_load(short) if short.startswith("{") else short)
