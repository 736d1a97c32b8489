"""Few-shot runs say whose interactions decide the catalogue, and the strict way reaches the whole run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from experiment_cases import SMALL, write_domain, write_recipe

from domains.errors import InputError
from recipes.load import load_recipe
from transfer.planning.dry_run import forecast
from transfer.runs.pipeline import run_plan, source_settings
from transfer.runs.plan import make_plan, make_split, plan_of
from transfer.runs.reevaluate import reevaluate
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime


def strict(folder, **more):
    """A recipe whose target has items that few users have."""
    target = write_domain(folder, "shows", 2, users=60, items=60)
    target["prepare"]["min_item_interactions"] = 3
    settings = {"evaluation": {"negatives": 5, "core_from": "training"}, "shots": 0.4, "target": target}
    return write_recipe(folder, **{**SMALL, **settings, **more})


def test_training_users_alone_make_the_catalogue(tmp_path):
    loaded = load_recipe(strict(tmp_path))
    plan = make_plan(loaded)
    split, domain = plan.target_split, plan.domain
    assert 10 < len(split.training_users) < 35
    assert domain.n_users > len(split.training_users)
    mine = [domain.history(user) for user in split.training_users]
    assert set(np.concatenate(mine).tolist()) == set(range(domain.n_items))
    assert np.bincount(np.concatenate(mine)).min() >= 3
    # The split of a finished run is made again from its domain alone.
    assert make_split(domain, loaded.recipe).training_users.tolist() == split.training_users.tolist()
    lines = " ".join(plan.target.report.left_out)
    assert "items outside it, of users that are only tested (setting: evaluation.core_from)" in lines
    assert "strict" in forecast(plan).catalogue
    usual = load_recipe(tmp_path / "tiny.yaml", ["evaluation.core_from=all"])
    assert make_plan(usual).domain.n_items > domain.n_items
    assert "transductive" in forecast(make_plan(usual)).catalogue
    assert source_settings(usual.recipe) != source_settings(loaded.recipe)


def test_a_run_says_so_and_is_evaluated_the_same_again(tmp_path, said):
    loaded = load_recipe(strict(tmp_path, variants=["sasrec", "popular"]))
    run = run_plan(make_plan(loaded), tmp_path / "out", Runtime())
    assert run.metrics.protocol.catalogue == "of the training users alone (strict)"
    assert any("k-core and catalogue are of the training users alone" in line for line in said)
    again = reevaluate(TargetRun.read(tmp_path / "out" / "target"), Runtime())
    product = run.metrics.variants[run.metrics.product.variant]
    assert again["test"]["full"]["ndcg@10"] == pytest.approx(product.test["full"]["ndcg@10"].mean, abs=1e-6)
    assert run.metrics.protocol.training_users == len(make_plan(loaded).target_split.training_users)


def test_a_catalogue_of_all_users_is_called_transductive(tmp_path):
    path = write_recipe(tmp_path, shots=0.5)
    assert "transductive" in forecast(make_plan(load_recipe(path))).catalogue
    assert "transductive" in forecast(make_plan(load_recipe(path, ["shots=1", "evaluation.new_items=0.2"]))).catalogue
    assert forecast(make_plan(load_recipe(path, ["shots=1"]))).catalogue == ""


def test_with_all_users_both_ways_are_the_same(tmp_path):
    path = strict(tmp_path, shots=1)
    both = [make_plan(load_recipe(path, [f"evaluation.core_from={way}"])) for way in ("training", "all")]
    assert both[0].domain.fingerprint == both[1].domain.fingerprint


def test_a_target_that_was_prepared_before_is_refused(tmp_path):
    loaded = load_recipe(strict(tmp_path))
    opened = make_plan(load_recipe(tmp_path / "tiny.yaml", ["evaluation.core_from=all"]))
    with pytest.raises(InputError) as caught:
        plan_of(loaded.recipe, opened.source_domains, opened.domain)
    assert caught.value.code == "core-from"
    saved = loaded.recipe.target.model_copy(update={"loader": "saved"})
    with pytest.raises(InputError) as caught:
        make_plan(replace(loaded, recipe=loaded.recipe.model_copy(update={"target": saved})))
    assert caught.value.code == "core-from"


def test_zero_shots_leave_no_catalogue(tmp_path):
    with pytest.raises(InputError) as caught:
        load_recipe(strict(tmp_path), ["shots=0"])
    assert caught.value.code == "core-from"
