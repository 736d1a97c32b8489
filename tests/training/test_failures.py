"""A training that taught nothing says so, with the cause and the setting to try; one that learned says nothing."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from transfer_cases import random_histories, small_domain, successor_histories

from domains.split import leave_one_out
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.settings import EvaluationSettings
from transfer.interests.forms import NoInterests, RawInterests
from transfer.interests.views import FixedViews, NoViews
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import PromptGenerators, Unconditioned
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.registry import trained_system
from transfer.runtime import Runtime
from transfer.training.epochs import Fitted
from transfer.training.failures import chance, warn_if_base_is_best, warn_of_failures
from transfer.training.loop import fit
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

ITEMS, DIM = 24, 16
GOOD = Fitted(best=0.9, best_epoch=3, epochs=5, seconds=1.0)


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "transfer")
    return lambda: [record.getMessage() for record in caplog.records]


def task(histories=None, **changes):
    domain = small_domain(histories or successor_histories(120, ITEMS, 7), n_items=ITEMS)
    settings = TrainingSettings(**{"loss": "softmax", "learning_rate": 0.02, "metric": "full/mrr", **changes})
    return Task(
        split=leave_one_out(domain),
        max_length=8,
        training=settings,
        evaluation=EvaluationSettings(negatives=50),
        runtime=Runtime(),
    )


def model(conditioner=None, prompts=0):
    torch.manual_seed(0)
    encoder = trained_system("sasrec").encoder(EncoderSettings(dim=DIM, max_length=8, blocks=1), prompts)
    items = ItemTower(ItemFeatures(count=ITEMS), ItemSettings(), DIM)
    return SequentialRecommender(items, encoder, conditioner or Unconditioned(), ScoreSettings(), DIM)


def test_a_training_that_learned_says_nothing(said):
    fit(model(), task(), NoViews(), title="t", epochs=8, seed=0, log=[].append)
    assert said() == []


def test_validation_at_chance_is_said(said):
    noise = random_histories(np.random.default_rng(0), 200, ITEMS, 6, 8)
    fit(model(), task(noise), NoViews(), title="t", epochs=1, seed=0, log=[].append)
    assert [text for text in said() if "no better than chance" in text and "training.learning_rate" in text]


def test_a_collapsed_encoder_is_said(said):
    collapsed = model()
    with torch.no_grad():
        for weight in collapsed.items.parameters():
            weight.copy_(torch.ones_like(weight))
        for weight in collapsed.encoder.parameters():
            weight.zero_()
    warn_of_failures(collapsed, task(), NoViews(), GOOD, "t")
    assert [text for text in said() if "collapsed" in text]


def test_dead_prompts_are_said_and_constant_ones_are_no_failure(said):
    work = task()
    generator = np.random.default_rng(0)
    from scipy.sparse import csr_matrix

    interests = csr_matrix(generator.random((120, 5)).astype(np.float32))
    generators = PromptGenerators(5, DIM, 2)
    prompted = model(generators, 2)
    views = FixedViews(RawInterests(interests, torch.device("cpu")))
    warn_of_failures(prompted, work, views, GOOD, "t")
    warn_of_failures(prompted, work, FixedViews(NoInterests(5)), GOOD, "t")
    assert said() == []
    with torch.no_grad():
        generators.inner_weight.zero_()
    warn_of_failures(prompted, work, views, GOOD, "t")
    assert ["dead" in text for text in said()] == [True]


def test_a_phase_that_kept_epoch_0_is_said(said):
    warn_if_base_is_best(GOOD, "t")
    assert said() == []
    warn_if_base_is_best(Fitted(0.5, 0, 5, 1.0), "t")
    assert "training.patience" in said()[0]


@pytest.mark.parametrize("metric", ["full/ndcg@10", "full/hit@5", "full/mrr", "full/auc"])
def test_chance_is_the_mean_of_random_ranks_and_two_standard_errors(metric):
    items, users = 50, 400
    ranks = np.random.default_rng(0).integers(0, items, 400_000)
    name = metric.split("/")[1]
    values = {
        "ndcg@10": np.where(ranks < 10, 1 / np.log2(ranks + 2), 0),
        "hit@5": ranks < 5,
        "mrr": 1 / (ranks + 1),
        "auc": 1 - ranks / (items - 1),
    }[name].astype(float)
    expected = values.mean() + 2 * values.std() / np.sqrt(users)
    assert chance(metric, items, users) == pytest.approx(expected, rel=0.02)
