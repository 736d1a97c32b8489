"""Tuning: goes on where it was killed, looks at validation only, and writes a recipe that runs."""

from __future__ import annotations

import json

import pytest
from cli_cases import run_command, write_pair, write_recipe
from refusals import refusal

from domains.errors import InputError
from recipes.load import load_recipe
from transfer import tuning
from transfer.runtime import Runtime
from transfer.tuning import Range, check_space, read_space

pytest.importorskip("optuna", reason="Optuna is not installed")
SPACE = {"training.learning_rate": {"low": 0.001, "high": 0.1, "log": True}, "encoder.dim": [8, 16]}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuning")
    write_pair(folder, users=60)
    prepare = {"min_user_interactions": 3, "min_item_interactions": 0}
    table = {"name": "films", "interactions": "films.parquet", "items": "films-items.parquet", "prepare": prepare}
    return write_recipe(folder / "tiny.yaml", variants=["popular", "sasrec"], target=table)


def test_the_command_finds_a_recipe_that_loads_anywhere(recipe, tmp_path, capsys):
    (tmp_path / "space.yaml").write_text(json.dumps(SPACE))
    options = ("--trials", 2, "--space", tmp_path / "space.yaml", "--out", tmp_path / "out", "--json")
    done = run_command(capsys, "tune", recipe, *options)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["trials"] == 2
    assert found["best"] >= found["before"]
    loaded = load_recipe(tmp_path / "out" / "found.yaml").recipe
    assert loaded.variants == ("popular", "sasrec")
    for key, value in found["values"].items():
        part, name = key.split(".")
        assert getattr(getattr(loaded, part), name) == value
    assert loaded.target.options["interactions"] == str(recipe.parent / "films.parquet")
    assert not list((tmp_path / "out").glob("trial-*")), "test figures of trials are not kept"


@pytest.fixture
def scored(monkeypatch):
    """Replace the training of a trial by a formula, and list the settings that were tried."""
    tried = []

    class Run:
        def __init__(self, recipe):
            tried.append((recipe.training.learning_rate, recipe.encoder.dim))
            value = -abs(recipe.training.learning_rate - 0.01) + recipe.encoder.dim / 1000
            spread = type("Spread", (), {"mean": value})
            self.variant = type("V", (), {"label": "sasrec"})
            self.metrics = type("M", (), {"variants": {"sasrec": type("R", (), {"selection": spread})}})

    def fake(plan, source, folder, runtime):
        folder.mkdir()
        run = Run(plan.recipe)
        if len(tried) == fake.killed_at:
            raise KeyboardInterrupt
        return run

    fake.killed_at = 0
    monkeypatch.setattr(tuning, "target_from", fake)
    return tried, fake


def test_a_killed_search_tries_the_killed_values_again(recipe, tmp_path, scored):
    tried, fake = scored
    space = check_space(SPACE, "space")
    fake.killed_at = 4
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(str(recipe), tmp_path / "out", Runtime(), trials=6, space=space)
    lost = tried[-1]
    for folder in (tmp_path / "out").glob("trial-*"):
        folder.rmdir()
    fake.killed_at = 0
    found = tuning.tune(str(recipe), tmp_path / "out", Runtime(), trials=6, space=space)
    assert tried[4] == lost
    assert found.trials == 6
    assert len(tried) == 8  # the recipe as it is, three trials of which one was killed, and four more
    rates = [(-abs(rate - 0.01) + dim / 1000) for rate, dim in tried]
    assert found.best == pytest.approx(max(rates))
    assert tuning.tune(str(recipe), tmp_path / "out", Runtime(), trials=6, space=space) == found
    assert len(tried) == 8
    with refusal("run-differs", "out"):
        tuning.tune(str(recipe), tmp_path / "out", Runtime(), trials=6, space=read_space(None))


def test_spaces_are_checked(recipe, tmp_path):
    wrong = (
        {"evaluation.negatives": [9, 99]},
        {"training.metric": ["full/mrr", "full/ndcg@10"]},
        {"encoder.dim": [8]},
        {},
        {"encoder.dropout": {"low": 0.5, "high": 0.1}},
        {"s2idm.hidden": [8, 16]},
    )
    for keys in wrong:
        with pytest.raises(InputError):
            check_space(keys, "space")
    for value, place, about in (
        ({"low": 1}, "space: encoder.dim.high", "must be given"),
        (32, "space: encoder.dim", "neither a list of values nor a range"),
        ({"low": 0.5, "high": 0.1}, "space: encoder.dim", "low (0.5) must be below high (0.1)"),
        ({"low": 0, "high": 1, "log": True}, "space: encoder.dim", "log needs a low above 0"),
    ):
        with pytest.raises(InputError) as refused:
            check_space({"encoder.dim": value}, "space")
        assert (refused.value.location, about in refused.value.problem) == (place, True), refused.value
    with refusal("invalid-value", "--set training.loss", about="bcee"):
        wrong_loss = check_space({"training.loss": ["softmax", "bcee"]}, "space")
        tuning.tune(str(recipe), tmp_path / "out", Runtime(), space=wrong_loss)
    with refusal("variant", "--variant", about="'popular' reads none"):
        tuning.tune(str(recipe), tmp_path / "out", Runtime(), variant="popular", space=read_space(None))
    with refusal("unknown-key", "--set encoder.dimm"):
        tuning.tune(str(recipe), tmp_path / "out", Runtime(), space=check_space({"encoder.dimm": [1, 2]}, "space"))
    assert Range(low=1, high=5).whole
    assert not Range(low=1, high=5, step=0.5).whole
