"""The scores that a run serves are those that its metrics were computed from."""

from __future__ import annotations

import pytest
import torch
from experiment_cases import write_recipe

from recipes.load import load_recipe
from transfer.items.semantics import Semantics
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.serving.recommend import History, Recommender
from transfer.serving.reevaluate import largest_gap, reevaluate


@pytest.mark.parametrize("variant", ["matching", "sasrec+matching", "sasrec+ipe+s2idm"])
def test_a_saved_product_scores_as_its_metrics_say(tmp_path, monkeypatch, variant):
    monkeypatch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: None))
    loaded = load_recipe(write_recipe(tmp_path, variants=[variant]), ["training.epochs=2"])
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    run = TargetRun.read(tmp_path / "target")
    assert run.variant.label == variant
    assert largest_gap(run, reevaluate(run, Runtime())) == 0
    user = run.domain.user_ids[0].as_py()
    found = Recommender(run).recommend(History.of_user(run.domain, user), 5)
    assert len(found) == 5
    scorer = run.scorer(torch.device("cpu"))
    assert (scorer.model is None) == (variant == "matching")
