"""The scores that a run serves are those that its metrics were computed from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from experiment_cases import write_recipe

from domains.errors import InputError
from recipes.load import load_recipe
from transfer.items.sentence_vectors import Semantics
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runs.reevaluate import largest_gap, reevaluate
from transfer.runtime import Runtime
from transfer.serving.opened import open_run
from transfer.serving.reasons import Reasons
from transfer.serving.recommend import History, Recommender
from transfer.terms.joined import joined
from transfer.terms.weights import TermWeights

VARIANTS = ["matching", "popular", "sasrec", "sasrec+matching", "sasrec+ipe+s2idm"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: None))
        out = tmp_path_factory.mktemp("scored")
        loaded = load_recipe(write_recipe(out, variants=VARIANTS, seeds=[0, 1]), ["training.epochs=2"])
        source = source_from(make_plan(loaded), out / "source", Runtime())
        target_from(make_plan(loaded, source), source, out / "target", Runtime())
    return out


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_that_is_served_scores_as_its_metrics_say(folder, variant):
    run = open_run(folder, variant)
    assert run.variant.label == variant == run.metrics.product.variant
    assert largest_gap(run, reevaluate(run, Runtime())) == 0
    history = History.of_user(run.domain, run.domain.user_ids[0].as_py())
    found = Recommender(run).recommend(history, 5)
    assert len(found) == 5
    assert found[0].share == 1 >= found[4].share
    scorer = run.scorer(torch.device("cpu"))
    assert (scorer.model is None) == (variant in {"matching", "popular"})


@pytest.mark.parametrize("variant", ["ease", "sasrec+ipe+shuffled", "sasrec+title-semantic"])
def test_a_variant_that_cannot_serve_is_refused(folder, variant):
    with pytest.raises(InputError) as raised:
        open_run(folder, variant)
    assert raised.value.code == "unknown-variant"
    assert raised.value.location == "--variant"


def test_what_past_items_add_sums_to_the_late_terms(folder):
    run = open_run(folder, "sasrec+matching")
    recommender = Recommender(run)
    weights = TermWeights(anchors=3.0, recency=0.6)
    recommender.scorer = replace(recommender.scorer, weights=weights)
    history = History.of_users(run.domain, np.arange(7))
    terms = joined(None, recommender.scorer.known, history.domain, history.targets, weights)(torch.arange(7)).numpy()
    items = np.tile(np.arange(run.domain.n_items), (7, 1))
    reasons = Reasons(recommender.scorer, tuple(run.vocabulary.words))
    found = reasons.contributions(history, items, recent=1000)
    np.testing.assert_allclose(found.terms["anchors"].sum(1), terms, atol=1e-5)
    for person, row in enumerate(reasons.of(history, items)):
        for item, reason in enumerate(row):
            if reason.kind == "like":
                best = found.terms["anchors"][person, :, item].argmax()
                assert reason.item == found.past[person, best]
