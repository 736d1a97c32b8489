"""The page on adding a loader is true: installed as written, its package opens a domain in another process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-loader.md"

USE = """
from domains.errors import InputError
from domains.open_domain import open_domain, parse_spec
prepared = open_domain("shop:exports")
print(prepared.report.steps[-1].interactions, prepared.domain.name, prepared.domain.titles[0])
try:
    parse_spec({"loader": "shop", "foldr": "exports"})
except InputError as error:
    print(error)
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """What an installer leaves: the module, and metadata with its entry points."""
    project = tomllib.loads(blocks("toml")[0])["project"]
    site = tmp_path / "site"
    info = site / f"shop_loader-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (site / "shop_loader.py").write_text(blocks("python")[0], encoding="utf-8")
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    points = project["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points[group].items()) for group in points
    ]
    (info / "entry_points.txt").write_text("".join(lines), encoding="utf-8")
    return site


def test_the_example_works_from_another_process(site: Path, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    rows = "".join(f"u{user}|{article}|2024-01-0{article}\n" for user in range(5) for article in range(1, 6))
    (exports / "orders.psv").write_text("customer|article|bought\n" + rows)
    goods = "".join(f"{article}|Label {article}|group\n" for article in range(1, 6))
    (exports / "goods.psv").write_text("article|label|group\n" + goods)
    ran = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(site)]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == "25 shop Label 1"
    assert "Did you mean 'folder'?" in lines[1]


def test_each_python_block_of_the_page_compiles() -> None:
    for block in blocks("python"):
        compile(block, str(PAGE), "exec")
