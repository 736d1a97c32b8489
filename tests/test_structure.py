"""Which way imports point: between the four packages, and between what lies in each."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domains", "vocab", "recipes", "transfer")
MAY_IMPORT = {
    "domains": set(),
    "vocab": {"domains"},
    "recipes": {"domains", "vocab", "settings"},
    "transfer": {*PACKAGES, "settings"},
}


def imports(name: Callable[[list[str]], str]) -> dict[str, set[str]]:
    """What each module imports, also inside functions, with modules grouped by what `name` makes of their path."""
    graph: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            mine = name(list(path.relative_to(ROOT).with_suffix("").parts))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [node.module] if isinstance(node, ast.ImportFrom) else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for parts in (module.split(".") for module in modules if module):
                    if parts[0] in PACKAGES:
                        graph.setdefault(mine, set()).add(name(parts))
    return graph


def settings_apart(parts: list[str]) -> str:
    """The package of a module; settings of the models' parts, which recipes compose, count as one of their own."""
    return "settings" if parts[0] == "transfer" and parts[-1] == "settings" else parts[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    found = imports(settings_apart)
    assert found[package] - {package} <= MAY_IMPORT[package]


def test_settings_import_nothing_of_models() -> None:
    assert imports(settings_apart)["settings"] <= {"domains", "vocab", "settings"}
    script = "import sys, recipes.schema; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_inside_a_package_imports_in_a_circle(package: str) -> None:
    found = imports(lambda parts: f"{parts[0]}.settings" if parts[-1] == "settings" else ".".join(parts[:2]))
    inside = {
        mine: {other for other in others if other != mine and other.startswith(f"{package}.")}
        for mine, others in found.items()
        if mine.startswith(f"{package}.")
    }
    assert any(inside.values())
    try:
        TopologicalSorter(inside).prepare()
    except CycleError as error:
        pytest.fail(f"imports go in a circle: {' -> '.join(error.args[1])}")


def test_modules_have_names_of_their_own() -> None:
    """Commands, systems and late terms have the names that users give them; the service is apart as well."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    apart = {"cli", "serving", "systems", "terms"}
    names = [path.name for path in paths if path.parent.name not in apart]
    below = {path.name for path in paths if path.relative_to(ROOT).parts[0] != "transfer"}
    names += [path.name for path in paths if path.parent.name in apart and path.name in below]
    once = [name for name in names if name not in {"__init__.py", "settings.py"}]
    assert sorted(once) == sorted(set(once))


def test_modules_are_short_enough_to_be_read() -> None:
    lines = {path: path.read_text(encoding="utf-8").count("\n") for p in PACKAGES for path in (ROOT / p).rglob("*.py")}
    assert {path.name: count for path, count in lines.items() if count > 400} == {}
