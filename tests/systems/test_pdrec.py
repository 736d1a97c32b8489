"""PDRec: its weights, soft positives and safe negatives are those of the diffused preferences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY, make_encoder, random_histories, sequences, small_domain

from domains.split import fewer_users, hide_items, leave_one_out
from transfer.diffusion.over_items import item_weights, train_diffrec
from transfer.diffusion.settings import DiffRecSettings, S2IDMSettings
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.settings import EvaluationSettings
from transfer.interests.views import NoViews, TrainView
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import Unconditioned
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.runtime import Runtime
from transfer.sequences import Spans, gather
from transfer.systems.pdrec import PDREC, PDRec, PDRecSettings, PlugIn, behaviour_weights
from transfer.training.loop import fit
from transfer.training.sampling import NegativeSampler
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

ITEMS = 20
CPU = torch.device("cpu")
DIFFREC = DiffRecSettings(model=S2IDMSettings(hidden=8, epochs=3, batch_size=16, learning_rate=0.01))
SETTINGS = PDRecSettings(candidates=4, positives=2, negative_share=0.4, pool=6)


def split_of(users=25):
    return leave_one_out(small_domain(random_histories(np.random.default_rng(0), users, ITEMS, 5, 9), n_items=ITEMS))


@pytest.fixture(scope="module")
def plugged():
    split = split_of()
    model = train_diffrec(split, "time", DIFFREC, 0, Runtime())
    history = item_weights(split.domain, split.starts, split.train_stop, "time", DIFFREC)
    scores = model.diffuse(history).rows(torch.arange(25)).numpy()
    return split, scores, PlugIn.of(split, model, DIFFREC, SETTINGS, CPU)


def trained_items(split, user):
    return set(split.domain.items[split.starts[user] : split.train_stop[user]].tolist())


def test_soft_positives_are_the_best_items_not_trained_on(plugged):
    split, scores, tables = plugged
    for user in range(25):
        known = trained_items(split, user)
        order = [item for item in np.argsort(-scores[user], kind="stable") if item not in known]
        assert tables.positives[user].tolist() == order[:4]


def test_soft_positives_are_fewer_in_a_small_catalogue():
    """Users who had nearly everything keep only items that they did not train on, and they alone count."""
    split = leave_one_out(small_domain([list(range(7)), list(range(6, -1, -1)), [0, 1, 2, 3]], n_items=7))
    diffusion = train_diffrec(split, "time", DIFFREC, 0, Runtime())
    tables = PlugIn.of(split, diffusion, DIFFREC, SETTINGS, CPU)
    for user in range(3):
        found = tables.positives[user]
        assert set(found[found >= 0].tolist()) <= set(range(7)) - trained_items(split, user)
    assert (tables.positives >= 0).sum(1).tolist() == [2, 2, 4]
    model = recommender().eval()
    objective = PDRec(tables, NegativeSampler(split, CPU), SETTINGS.model_copy(update={"positives": 3}), 8)
    whole = gather(Spans.of(split.domain, np.arange(3), split.train_stop, CPU, 9), torch.arange(3))
    soft = []
    for user in range(3):
        history = torch.tensor(split.domain.items[split.starts[user] : split.train_stop[user]].astype(np.int64))
        mine = tables.positives[user]
        final = model.item_table()[mine[mine >= 0]] @ states_of(model, history)[-1]
        soft += sorted(np.log1p(np.exp(-final.numpy())).tolist())[:3]
    loss = objective._augmented(model, whole, TrainView(None))
    assert loss.item() == pytest.approx(np.mean(soft), rel=1e-4)
    tables.positives.fill_(-1)
    assert objective._augmented(model, whole, TrainView(None)).item() == 0


def test_safe_negatives_are_among_the_worst_and_never_trained_on(plugged):
    split, scores, tables = plugged
    for user in range(25):
        known = trained_items(split, user)
        worst = [item for item in np.argsort(scores[user], kind="stable") if item not in known][:8]
        drawn = tables.negatives[user].tolist()
        assert set(drawn) <= set(worst)
    assert len(np.unique(tables.negatives.numpy())) > 5


def test_new_items_are_neither_positives_nor_negatives():
    split = hide_items(split_of(), np.arange(ITEMS) % 3 == 0)
    model = train_diffrec(split, "time", DIFFREC, 0, Runtime())
    settings = SETTINGS.model_copy(update={"candidates": ITEMS, "negative_share": 1.0, "pool": 100})
    tables = PlugIn.of(split, model, DIFFREC, settings, CPU)
    for user in range(25):
        allowed = set(np.flatnonzero(~split.new_items).tolist()) - trained_items(split, user)
        assert set(tables.positives[user].tolist()) - {-1} == allowed
        assert set(tables.negatives[user].tolist()) <= allowed


def test_of_a_long_history_the_newest_items_count(plugged):
    _, _, tables = plugged
    domain, model = (
        small_domain([list(range(12)), [*range(14, 18), *range(4, 12)]], n_items=ITEMS),
        recommender().eval(),
    )
    objective = PDRec(replace(tables, positives=tables.positives[[0, 0]]), None, SETTINGS, 8)
    whole = gather(Spans.of(domain, np.arange(2), domain.offsets[1:].copy(), CPU, 9), torch.arange(2))
    first, second = (objective._augmented(model, whole.rows(slice(u, u + 1)), TrainView(None)) for u in range(2))
    torch.testing.assert_close(first, second)


def test_weights_stand_at_the_train_positions(plugged):
    split, scores, tables = plugged
    weights = tables.weights.numpy()
    for user in range(25):
        start, stop, end = split.starts[user], split.train_stop[user], split.domain.offsets[user + 1]
        mine = scores[user][split.domain.items[start:stop]].astype(np.float64)
        expected = behaviour_weights(mine, np.zeros(len(mine), np.int64), SETTINGS)
        np.testing.assert_allclose(weights[start:stop], expected, rtol=1e-4)
        assert (weights[stop:end] == 1).all()


def test_weights_by_hand():
    scores = np.array([0.2, 0.4, 1.0, 5.0])
    owner = np.array([0, 0, 0, 1])
    found = behaviour_weights(scores, owner, PDRecSettings(rank_weight=0.25, largest_weight=1.6))
    agreement = (scores[:3] - 0.1) / 0.9
    expected = 0.75 * agreement / agreement.mean() + 0.25 * np.array([1, 2, 3]) / 3
    assert found[:3] == pytest.approx(np.minimum(expected, 1.6), rel=1e-5)
    assert found[2] == pytest.approx(1.6), "the largest is cut"
    assert found[3] == pytest.approx(1.0), "a single behaviour weighs as it is"


@PROPERTY
@given(st.lists(st.lists(st.floats(-3, 3), min_size=1, max_size=6), min_size=1, max_size=5))
def test_better_agreement_never_weighs_less(users):
    scores = np.array([score for user in users for score in user])
    owner = np.repeat(np.arange(len(users)), [len(user) for user in users])
    weights = behaviour_weights(scores, owner, PDRecSettings())
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    for user in range(len(users)):
        mine = owner == user
        order = np.argsort(scores[mine], kind="stable")
        assert (np.diff(weights[mine][order]) >= -1e-5).all()


def recommender():
    torch.manual_seed(0)
    settings = EncoderSettings(dim=8, blocks=1, max_length=8, dropout=0.0)
    return SequentialRecommender(
        ItemTower(ItemFeatures(count=ITEMS), ItemSettings(), 8),
        make_encoder(settings, 0),
        Unconditioned(),
        ScoreSettings(),
        8,
    )


def test_the_loss_by_hand(plugged):
    split, _, tables = plugged
    model = recommender().eval()
    users = np.arange(5)
    spans = Spans.of(split.domain, users, split.train_stop[users], CPU, 9)
    whole = gather(spans, torch.arange(5))
    valid = whole.inputs().mask
    objective = PDRec(tables, NegativeSampler(split, CPU), SETTINGS, 8)
    found = objective.loss(model, whole, valid, TrainView(None), torch.Generator().manual_seed(3)).item()
    draws = torch.Generator().manual_seed(3)
    rows, columns = valid.nonzero(as_tuple=True)
    uniform = NegativeSampler(split, CPU).sample(whole.users[rows], 1, draws)[:, 0]
    safe = tables.negatives[rows, torch.randint(6, (len(rows),), generator=draws)]
    table = model.item_table()
    total, soft = 0.0, []
    for user in range(5):
        history = torch.tensor(split.domain.items[split.starts[user] : split.train_stop[user]].astype(np.int64))
        states = states_of(model, history[:-1])
        for place in range(len(history) - 1):
            at = int(((rows == user) & (columns == place)).nonzero())
            score = table @ states[place]
            weight = float(tables.weights[split.starts[user] + place + 1])
            total += weight * np.log1p(np.exp(-float(score[history[place + 1]])))
            total += sum(np.log1p(np.exp(float(score[drawn[at]]))) for drawn in (uniform, safe)) / 2
        final = (table @ states_of(model, history)[-1])[tables.positives[user]]
        soft += [np.log1p(np.exp(-float(score))) for score in sorted(final.tolist(), reverse=True)[:2]]
    assert found == pytest.approx(total / len(rows) + 0.1 * np.mean(soft), rel=1e-4)


@torch.no_grad()
def states_of(model, history):
    embeds = model.items(history)[None]
    batch = sequences(history[None], torch.ones(1, len(history), dtype=torch.bool))
    return model.prepared_states(model.states(embeds, batch, None))[0]


def test_it_replaces_the_ordinary_loss_and_learns(plugged):
    split, _, tables = plugged
    training = TrainingSettings(batch_size=8, learning_rate=0.01, patience=50)
    task = Task(
        split=split, max_length=8, training=training, evaluation=EvaluationSettings(negatives=5), runtime=Runtime()
    )
    objective = PDRec(tables, NegativeSampler(split, CPU), SETTINGS, 8)
    log = []
    fit(recommender(), task, NoViews(), title="t", epochs=15, seed=0, log=log.append, auxiliary=objective)
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert losses[-1] < 0.8 * losses[0]


def test_settings_that_contradict_each_other():
    with pytest.raises(ValueError, match="positives"):
        PDRecSettings(candidates=3, positives=4)


@pytest.mark.parametrize("share", [0.0, 1 / 25, 1.0])
def test_without_users_to_diffuse_it_trains_as_sasrec(share):
    split = fewer_users(split_of(), share, seed=0)
    if share == 1:  # everybody trains, but only one user has something to train on
        split = replace(split, train_stop=np.where(np.arange(25) == 3, split.train_stop, split.starts))
    task = Task(
        split=split,
        max_length=6,
        training=TrainingSettings(),
        evaluation=EvaluationSettings(negatives=9),
        runtime=Runtime(),
    )
    assert PDREC.objective is not None
    assert PDREC.objective(task, SETTINGS) is None
