"""The page on plug-ins is true: its package, installed into a fresh environment, brings all three."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import numpy as np
import pytest
from refusals import refusal

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugins.md"
TINY = ("s2idm.hidden=8", "s2idm.epochs=1", "encoder.dim=8", "training.base_epochs=1", "training.epochs=1")
GOODS = (
    "Rote Äpfel",
    "Grüner Apfel",
    "Birnen und Äpfel",
    "Der Apfelsaft",
    "Kerzen mit Duft",
    "Rote Kerze",
    "Grüne Birne",
    "Kerzen ohne Duft",
    "Birnensaft",
    "Apfelsaft mit Birnen",
)


def files_of_the_page() -> dict[str, str]:
    found = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    return dict(found)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that sees this project and has the package installed."""
    folder = tmp_path_factory.mktemp("fresh")
    package = folder / "corner-shop"
    for name, text in files_of_the_page().items():
        if name != "shop.yaml":
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text, encoding="utf-8")
    venv.create(folder / "env", with_pip=False, system_site_packages=True)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    # What this interpreter sees, another one sees only when it is told where.
    here = [str(ROOT), *(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))]
    (site / "project.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    if importlib.util.find_spec("pip") and importlib.util.find_spec("setuptools"):
        offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", *offline, str(package)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    else:
        install_by_hand(package, site)
    return python


def install_by_hand(package: Path, site: Path) -> None:
    """What an installer leaves, where there is none: the module, and metadata with its entry points."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (package / "corner_shop").rename(site / "corner_shop")
    info = site / f"corner_shop-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: corner-shop\nVersion: {project['version']}\n")
    points = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for group, entries in points]
    (info / "entry_points.txt").write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Receipts of two years, and the page's recipe."""
    folder = tmp_path_factory.mktemp("shop")
    generator = np.random.default_rng(0)
    for year, start in (("last-year", 1_600_000_000), ("this-year", 1_640_000_000)):
        rows = [
            f"{card};{article};{GOODS[article]};{start + 1000 * card + step}"
            for card in range(40)
            for step, article in enumerate(generator.permutation(len(GOODS))[:7])
        ]
        (folder / f"{year}.csv").write_text("card;article;label;when\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "shop.yaml").write_text(files_of_the_page()["shop.yaml"], encoding="utf-8")
    return folder


def transfer(python: Path, shop: Path, *arguments: str) -> str:
    command = [str(python), "-m", "transfer.cli.main", *arguments]
    done = subprocess.run(command, cwd=shop, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_is_seen(python: Path, shop: Path) -> None:
    listed = json.loads(transfer(python, shop, "domains", "list", "--json"))
    assert {"name": "till", "summary": "receipts of our tills"} in listed["loaders"]
    assert "card, article, label and when" in transfer(python, shop, "domains", "show", "till")


def test_a_recipe_uses_all_three(python: Path, shop: Path) -> None:
    sets = [part for setting in TINY for part in ("--set", setting)]
    metrics = json.loads(transfer(python, shop, "run", "shop.yaml", "--out", "out", "--json", *sets))
    assert metrics["domain"] == "this-year"
    assert (metrics["users"], metrics["items"]) == (40, len(GOODS))
    assert list(metrics["variants"]) == ["average", "average+ipe+s2idm", "newest"]
    words = json.loads((shop / "out" / "source" / "vocabulary.json").read_text(encoding="utf-8"))["anchors"]
    # Kerze, Kerzen -> kerz; Birne, Birnen -> birn; Rote -> rote; "und", "mit", "ohne" and "der" are stop words.
    assert {"kerz", "birn", "rote", "duft"} <= set(words)
    assert not {"kerzen", "birnen", "und", "mit", "ohne", "der"} & set(words)
    found = json.loads(transfer(python, shop, "recommend", "out/target", "--history", "Rote Kerze", "--json"))
    assert {item["title"] for item in found} == set(GOODS) - {"Rote Kerze"}
    assert any("kerz" in item["anchors"] for item in found if item["title"] == "Kerzen mit Duft")


def test_without_the_package_its_names_are_unknown() -> None:
    from domains.open_domain import parse_spec
    from transfer.registry import find_system
    from vocab.normalisers.normaliser import make_normaliser
    from vocab.settings import NormaliserSettings

    with refusal("loader", about="till"):
        parse_spec("till:receipts.csv")
    with refusal("normaliser", about="german"):
        make_normaliser(NormaliserSettings(name="german"))
    with refusal("unknown-system", about="average"):
        find_system("average")
