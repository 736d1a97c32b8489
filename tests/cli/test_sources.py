"""`transfer sources`, and adapting the artifact in the package to a shop of other titles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli_cases import TINY, run_command
from rich.console import Console

import transfer
from transfer.runs.source_places import bundled_folder


def listed(capsys: pytest.CaptureFixture[str], *places: object) -> list[dict[str, Any]]:
    result = run_command(capsys, "sources", *places, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.fixture
def here(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one run in it."""
    shutil.copytree(tiny.source, tmp_path / "runs" / "tiny" / "source")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_those_in_the_package_and_in_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundled, tiny = listed(capsys)
    assert (bundled["place"], tiny["place"]) == ("bundled", "runs/tiny/source")
    assert [note["name"] for note in bundled["domains"]] == ["books", "films"]
    config = json.loads((bundled_folder() / "config.json").read_text(encoding="utf-8"))
    assert bundled["anchors"] == config["anchors"] == len(transfer.load_source("bundled").vocabulary)
    assert bundled["size"] == sum(path.stat().st_size for path in bundled_folder().iterdir())
    assert (bundled["licence"], tiny["licence"]) == ("cc-by-sa-4.0", None)
    assert [one["place"] for one in listed(capsys, "runs/tiny", "bundled")] == ["runs/tiny/source", "bundled"]


def test_one_of_the_hub(
    here: Path, tiny: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(place: str, **_: Any) -> str:
        asked.append(place)
        return str(tiny.source)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    (found,) = listed(capsys, "somebody/books")
    assert asked == ["somebody/books"]
    assert (found["place"], [note["name"] for note in found["domains"]]) == ("somebody/books", ["books"])


def test_inspect_shows_the_one_in_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run_command(capsys, "inspect", "bundled", "--json").out)
    assert (found["kind"], found["licence"], found["hidden"]) == ("source", "cc-by-sa-4.0", 256)


def test_a_table_of_80_columns(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(here / "runs" / "tiny" / "source", here / "runs" / ("long" * 20) / "source")
    monkeypatch.setattr("transfer.cli.output.OUT", Console(width=80))
    shown = run_command(capsys, "sources").out
    assert max(map(len, shown.splitlines())) <= 80
    for part in ("bundled", "books, films", "MB", "cc-by-sa-4.0", "not stated"):
        assert part in shown


def test_a_damaged_one_is_named_and_the_others_are_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = here / "runs" / "tiny" / "source" / "config.json"
    broken.write_text("{", encoding="utf-8")
    result = run_command(capsys, "sources", "--json")
    assert result.code == 0
    assert [one["place"] for one in json.loads(result.out)] == ["bundled"]
    assert "config.json" in result.err
    assert run_command(capsys, "sources", "runs/tiny/source").code == 2


@pytest.mark.parametrize("place", ["bundeld", "runs/other/source"])
def test_a_wrong_name_gets_what_there_is(here: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("sources", place), ("adapt-target", place, "films")):
        result = run_command(capsys, *command)
        assert result.code == 2
        said = " ".join(result.err.split())
        for part in (place, "no such folder", "Here are: bundled, runs/tiny/source"):
            assert part in said
    with pytest.raises(transfer.InputError) as caught:
        transfer.adapt(place, "films", out=here / "out")
    assert "bundled, runs/tiny/source" in str(caught.value.hint)


def test_a_shop_starts_from_it_without_fitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Titles of the shop are in no bundled domain; unseen words map to anchors."""
    monkeypatch.chdir(tmp_path)
    words = ["Wizards Castle", "Spaceships", "Loving Murderer", "Kings War", "Summertime Ghosts", "Dragons"]
    titles = [f"{word} {number} boardgame" for word in words for number in range(1, 6)]
    items = pl.DataFrame({"item_id": range(len(titles)), "title": titles})
    acts = [(user, (user + step) % len(titles), step) for user in range(60) for step in range(6)]
    items.write_parquet("items.parquet")
    pl.DataFrame(acts, ["user_id", "item_id", "timestamp"], orient="row").write_parquet("acts.parquet")
    tables = {"interactions": "acts.parquet", "items": "items.parquet"}
    recipe = {"sources": [], "target": {"name": "shop", **tables}, "variants": ["popular", "sasrec+ipe+s2idm"], **TINY}
    Path("shop.yaml").write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML

    result = run_command(capsys, "adapt-target", "bundled", "shop.yaml", "--out", "shop", "--json")

    assert result.code == 0, result.err
    run = transfer.load_run("shop")
    source = transfer.load_source("bundled")
    assert run.target.s2idm is not None
    for name, weight in source.s2idm.state_dict().items():
        assert (run.target.s2idm.state_dict()[name] == weight).all()
    assert "wizard" in source.vocabulary.words
    assert "boardgame" not in source.vocabulary.words
    assert (run.target.item_anchors.getnnz(axis=1) > 0).mean() > 0.5


def test_its_own_domains_are_no_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """S2IDM learned from all interactions of films, those held out for test as well."""
    result = run_command(capsys, "adapt-target", "bundled", "films", "--out", tmp_path / "films")
    assert result.code == 2
    assert "films" in result.err
