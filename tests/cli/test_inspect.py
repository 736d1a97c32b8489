"""`transfer inspect`: figures against independent counts, for a domain, a recipe and both artifacts."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from cli_cases import run_command

from domains.open_domain import open_domain
from domains.storage import save_domain


def inspected(capsys: pytest.CaptureFixture[str], thing: object) -> dict[str, Any]:
    result = run_command(capsys, "inspect", thing, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_a_domain(capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, "films")
    assert found["kind"] == "domain"
    (films,) = found["domains"]
    domain = open_domain("films").domain
    assert films["interactions"] == domain.n_interactions
    assert sum(bin_["count"] for bin_ in films["length_histogram"]) == domain.n_users
    assert sum(bin_["count"] for bin_ in films["popularity_histogram"]) == domain.n_items
    assert films["preparation"]["steps"][0]["name"] == "read"
    word, count = films["anchors"][0]
    assert word == "drama"
    titles = pl.Series(domain.titles.to_pylist()).str.to_lowercase()
    genres = pl.Series(domain.categories.to_pylist())
    assert (titles.str.contains(r"\bdramas?\b") | genres.list.contains("Drama")).sum() == count
    assert [count for _, count in films["anchors"]] == sorted((c for _, c in films["anchors"]), reverse=True)


def test_a_domain_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run_command(capsys, "inspect", "films").out
    for part in ("2,000", "interactions of a user", "█", "2013-02-28", "have an anchor", "most frequent anchors"):
        assert part in shown


def test_what_looks_wrong_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    domain = open_domain("films").domain
    titles = domain.titles.to_pylist()
    odd = replace(domain, titles=pa.array(["[b]<b>bold</b>", *titles[1:]], pa.large_string()))
    save_domain(odd, tmp_path / "odd")
    (view,) = inspected(capsys, tmp_path / "odd")["domains"]
    markup = [suspicion for suspicion in view["suspicions"] if suspicion["kind"] == "title with markup"]
    assert [suspicion["count"] for suspicion in markup] == [1]
    assert domain.item_ids[0].as_py() in markup[0]["example"]
    assert "[b]<b>bold</b>" in run_command(capsys, "inspect", tmp_path / "odd").out


def test_a_domain_without_anchors_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    domain = open_domain("films").domain
    mute = replace(domain, titles=pa.array([""] * domain.n_items, pa.large_string()), categories=None)
    save_domain(mute, tmp_path / "mute")
    (view,) = inspected(capsys, tmp_path / "mute")["domains"]
    assert view["coverage"] is None
    assert view["titles_missing"] == domain.n_items
    assert "no anchors" in run_command(capsys, "inspect", tmp_path / "mute").out


def test_a_recipe_compares_its_domains(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, tiny.recipe)
    assert [view["name"] for view in found["domains"]] == ["books", "films"]
    (both,) = found["overlaps"]
    assert (both["first"], both["second"]) == ("books", "films")
    assert both["shared"] + both["first_only"] + both["second_only"] <= found["anchors_of_all"]
    assert 0 < both["divergence"] < 1
    shown = run_command(capsys, "inspect", tiny.recipe).out
    assert "books and films" in shown
    assert "Jensen-Shannon" in shown


def test_a_source_artifact_says_what_it_was_made_from(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, tiny.source)
    config = json.loads((tiny.source / "config.json").read_text(encoding="utf-8"))
    vocabulary = json.loads((tiny.source / "vocabulary.json").read_text(encoding="utf-8"))
    assert found["kind"] == "source"
    assert found["sources"] == config["domains"]
    assert found["anchors_of_all"] == config["anchors"]
    assert found["hidden"] == 16
    counts = sorted(vocabulary["anchors"].values(), reverse=True)
    assert [count for _, count in found["anchors"]] == counts[: len(found["anchors"])]
    assert "books (199 users" in run_command(capsys, "inspect", tiny.source).out


def test_a_target_run_shows_its_figures(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, tiny.target)
    metrics = json.loads((tiny.target / "metrics.json").read_text(encoding="utf-8"))
    assert found["kind"] == "target"
    assert found["metrics"] == metrics
    assert found["variant"] == metrics["product"]["variant"]
    assert found["domains"][0]["users"] == metrics["users"]
    shown = run_command(capsys, "inspect", tiny.target).out
    assert found["variant"] in shown
    # Long names are wrapped at their plus signs.
    assert {part for name in metrics["variants"] for part in name.split("+")} <= set(re.split(r"[\s+†]+", shown))
    assert "▶" in shown


def test_a_folder_with_artifacts_in_it_names_them(
    tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny.source, tmp_path / "run" / "source")
    result = run_command(capsys, "inspect", tmp_path / "run")
    assert result.code == 2
    assert str(tmp_path / "run" / "source") in result.err
    for name in "abcd":
        shutil.copytree(tiny.target, tmp_path / "trial" / "cells" / name)
    result = run_command(capsys, "inspect", tmp_path / "trial")
    assert f"{tmp_path / 'trial' / 'cells' / 'c'}, or one of 1 more" in result.err


def test_an_experiment_is_told_apart(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("inspect", "demo"), ("adapt-target", tiny.source, "demo"), ("recipe", "check", "demo")):
        refused = run_command(capsys, *command)
        assert refused.code == 2
        assert "this is an experiment, not a recipe" in refused.err
