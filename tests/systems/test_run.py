"""Every system of the paper runs from a recipe, in one run, beside the others."""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
from experiment_cases import write_recipe

from recipes.load import load_recipe
from transfer.files import read_tensors
from transfer.runs.checkpoints import checkpoint_path
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runs.reevaluate import reevaluate
from transfer.runs.target_run import TargetRun
from transfer.runs.train_variant import BESIDE_NOISE
from transfer.runtime import Runtime
from transfer.systems import popular
from transfer.terms.counts import untied_popularity
from transfer.terms.weights import UNTRIED, TermWeights

SYSTEMS = (
    "sasrec",
    "cl4srec",
    "cl4srec+ipe+s2idm",
    "pdrec",
    "pdrec+ipe+s2idm",
    "gru4rec+ipe+raw",
    "sasrec+s2idm",
    "sasrec+positions+s2idm",
    "popular",
    "t-diffrec",
    "ti-diffrec",
    "s2idm-matching",
)


@pytest.mark.parametrize("kind", ["gaussian", "masked"])
def test_all_systems_run(tmp_path, kind):
    small = {"model": {"hidden": 8, "epochs": 2, "batch_size": 16, "steps": 3}}
    systems = {"t-diffrec": small, "ti-diffrec": deepcopy(small), "pdrec": {"diffusion": deepcopy(small)}}
    path = write_recipe(tmp_path, variants=list(SYSTEMS), systems=systems)
    loaded = load_recipe(path, [f"s2idm.kind={kind}"])
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    run = target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    assert list(run.metrics.variants) == list(SYSTEMS)
    for name, values in run.metrics.variants.items():
        assert 0 <= values.test["full"]["ndcg@10"].mean <= 1, name
        assert math.isfinite(values.test["sampled"]["auc"].mean), name
        assert 0 < values.beyond.coverage <= 1, name
    pairs = {(one.variant, one.baseline) for one in run.metrics.comparisons}
    assert {("cl4srec+ipe+s2idm", "cl4srec"), ("pdrec+ipe+s2idm", "pdrec"), ("cl4srec", "sasrec")} <= pairs


@pytest.mark.parametrize("overrides", [[], ["evaluation.new_items=0.3"], ["shots=0"]])
def test_a_saved_run_repeats_its_figures_with_matching_new_items_and_no_training(tmp_path, overrides):
    variants = ["sasrec+anchors", "sasrec+anchors+matching", "matching", "popular"]
    path = write_recipe(tmp_path, variants=variants, source_encoder={"channels": ["anchors"], "epochs": 2})
    loaded = load_recipe(path, overrides)
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    run = target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    found = run.metrics.variants
    assert list(found) == variants
    again = reevaluate(TargetRun.read(tmp_path / "target"), Runtime())
    product = found[run.metrics.product.variant].test["full"]["ndcg@10"]
    assert again["test"]["full"]["ndcg@10"] == pytest.approx(product.values[0], abs=1e-6)
    if "shots=0" in overrides:
        assert run.metrics.product.variant == "matching", "an untrained model adds nothing"
    if "evaluation.new_items=0.3" in overrides:
        assert found["popular"].test["full"]["hit@10"].mean == 0, "nobody has met what is tested"


def test_late_terms_of_a_baseline_are_weighed_against_its_scores(tmp_path, monkeypatch):
    """Counts a thousand times as large are the same baseline: its late terms get weights a thousand times as large."""
    found = []
    for factor in (1.0, 1000.0):
        monkeypatch.setattr(popular, "untied_popularity", lambda split, by=factor: by * untied_popularity(split))
        folder = tmp_path / str(factor)
        folder.mkdir()
        loaded = load_recipe(write_recipe(folder, variants=["popular+transitions"], sources=[]))
        source = source_from(make_plan(loaded), folder / "source", Runtime())
        run = target_from(make_plan(loaded, source), source, folder / "target", Runtime())
        found.append((TermWeights.of(run.weights).transitions, run.metrics.product.validation))
    (small, value), (large, same) = found
    assert small > 0 and large == pytest.approx(1000 * small, rel=1e-3)
    assert value == same


def test_only_a_variant_that_asks_for_matching_has_it(tmp_path):
    names = ["sasrec+anchors+no-id+source", "sasrec+anchors+no-id+source+matching"]
    path = write_recipe(tmp_path, variants=names, source_encoder={"channels": ["anchors"], "epochs": 2})
    loaded = load_recipe(path, ["shots=0"])
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    source.transferable.weights.update(TermWeights(anchors=4.0, recency=0.4).tensors())
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    plain, matched = (read_tensors(checkpoint_path(tmp_path / "target", name, 0, "done")) for name in names)
    read = [TermWeights.read(lambda name, found=found: found.get(f"model.{name}")) for found in (plain, matched)]
    assert read == [TermWeights(), TermWeights(anchors=4.0, recency=0.4)]


def test_without_any_training_matching_decides(tmp_path):
    path = write_recipe(tmp_path, variants=["matching", "sasrec", "sasrec+matching"])
    loaded = load_recipe(path, ["shots=0"])
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    run = target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    assert run.metrics.product.variant == "matching", "an untrained model adds nothing"
    alone, joined = (run.metrics.variants[name].test["full"]["mrr"].mean for name in ("matching", "sasrec+matching"))
    assert joined == pytest.approx(alone, rel=0.2)
    piece = read_tensors(checkpoint_path(tmp_path / "target", "sasrec+matching", 0, "done"))
    assert TermWeights.read(lambda name: piece.get(f"model.{name}")).anchors == BESIDE_NOISE * UNTRIED.anchors
