"""A target whose titles share no word, as in a language without spaces, learns from what people did."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
import torch
from experiment_cases import write_recipe
from refusals import refusal

from recipes.load import load_recipe
from transfer.api import load_run
from transfer.items.sentence_vectors import Whitening
from transfer.runs.pipeline import run_plan
from transfer.runs.plan import make_plan
from transfer.runs.reevaluate import largest_gap, reevaluate
from transfer.runtime import Runtime

VARIANTS = ["popular", "terms", "sasrec+terms", "sasrec+title-semantic+terms"]


def recipe_of(folder, **settings):
    path = write_recipe(folder, variants=VARIANTS, **settings)
    for name in ("tapes", "plays"):
        lines = [f"{name}{item},木制桌子第{item}号{name}" for item in range(20)]
        (folder / f"{name}-items.csv").write_text("\n".join(["item_id,title", *lines]) + "\n")
    return load_recipe(path)


def test_a_run_without_anchors_recommends(tmp_path):
    plan = make_plan(recipe_of(tmp_path, sources=[]))
    run = run_plan(plan, tmp_path / "run", Runtime())
    assert len(run.vocabulary) == 0
    assert largest_gap(run, reevaluate(run, Runtime())) == 0
    again = load_run(tmp_path / "run")
    user = run.domain.user_ids[0].as_py()
    assert len(again.recommend(user=user, count=5)) == 5
    again.recommend_all(tmp_path / "all.parquet", count=3)
    found = pl.read_parquet(tmp_path / "all.parquet")
    assert found["user_id"].n_unique() == run.domain.n_users
    assert found["score"].is_finite().all()
    assert run.digest != replace(run, counts=run.counts + 1).digest


def test_sources_without_anchors_are_refused(tmp_path):
    plan = make_plan(recipe_of(tmp_path))
    with refusal("no-anchors", "vocabulary", about="vocabulary.min_items"):
        run_plan(plan, tmp_path / "run", Runtime())


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_of_no_vectors_no_whitening_is_learned(power):
    some = torch.nn.functional.normalize(torch.randn(3, 4), dim=1)
    torch.testing.assert_close(Whitening.learn(torch.zeros(0, 4), power)(some), some)
