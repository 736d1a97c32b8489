"""CL4SRec: its augmentations do what they say, its loss is InfoNCE, and it reaches training through one seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY, make_encoder, sequences, small_domain, successor_histories

from domains.split import leave_one_out
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
from transfer.systems.cl4srec import (
    Augmented,
    Contrast,
    ContrastiveSettings,
    _final_state,
    crop,
    hide,
    info_nce,
    reorder,
    two_views,
)
from transfer.training.loop import fit
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task


def batch_of(lengths, seed=0):
    """Rows of distinct items, 100 * row + position; what is padded is -1, which no augmentation may let in."""
    width = max(lengths)
    column = torch.arange(width)[None]
    mask = column < torch.tensor(lengths)[:, None]
    items = torch.where(mask, 1000 * torch.arange(len(lengths))[:, None] + column, torch.tensor(-1))
    return sequences(items, mask)


def draws(seed):
    return torch.Generator().manual_seed(seed)


def rows(augmented):
    return [items[mask].tolist() for items, mask in zip(augmented.batch.items, augmented.batch.mask, strict=True)]


LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=8)
SHARES = st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.9, 1.0])


@PROPERTY
@given(LENGTHS, SHARES, st.integers(0, 5))
def test_crop_keeps_a_contiguous_part(lengths, share, seed):
    batch = batch_of(lengths)
    found = crop(batch, share, draws(seed))
    for row, (n, kept) in enumerate(zip(lengths, rows(found), strict=True)):
        assert len(kept) == max(1, int(round(share * n, 6)))
        assert kept == list(range(kept[0], kept[0] + len(kept)))
        assert 1000 * row <= kept[0] <= kept[-1] < 1000 * row + n
    assert torch.equal(found.batch.mask.long().cumprod(1).bool(), found.batch.mask), "real positions come first"
    assert not found.hidden.any()


def test_shares_of_long_sequences_are_not_rounded_down():
    assert len(rows(crop(batch_of([150]), 0.42, draws(0)))[0]) == 63


@PROPERTY
@given(LENGTHS, SHARES, st.integers(0, 5))
def test_hide_hides_that_many_real_items(lengths, share, seed):
    batch = batch_of(lengths)
    found = hide(batch, share, draws(seed))
    assert torch.equal(found.batch.items, batch.items)
    assert torch.equal(found.batch.mask, batch.mask)
    assert not (found.hidden & ~batch.mask).any()
    assert found.hidden.sum(1).tolist() == [int(round(share * n, 6)) for n in lengths]


@PROPERTY
@given(LENGTHS, SHARES, st.integers(0, 5))
def test_reorder_moves_one_contiguous_part(lengths, share, seed):
    batch = batch_of(lengths)
    found = reorder(batch, share, draws(seed))
    assert torch.equal(found.batch.mask, batch.mask)
    for row, (n, after) in enumerate(zip(lengths, rows(found), strict=True)):
        before = [1000 * row + place for place in range(n)]
        assert sorted(after) == before
        moved = [place for place in range(n) if after[place] != before[place]]
        if moved:
            assert moved[-1] - moved[0] < int(round(share * n, 6))


def test_every_start_is_drawn_alike():
    batch = batch_of([4] * 4000)
    first = crop(batch, 0.5, draws(0)).batch.items[:, 0] % 1000
    assert np.bincount(first.numpy(), minlength=3)[:3] == pytest.approx(np.full(3, 4000 / 3), rel=0.1)
    hidden = hide(batch, 0.5, draws(0)).hidden.float().mean(0)
    assert hidden.tolist() == pytest.approx([0.5] * 4, abs=0.05)
    orders = reorder(batch, 1.0, draws(0)).batch.items % 1000
    keys, counts = torch.unique(orders @ torch.tensor([64, 16, 4, 1]), return_counts=True)
    assert len(keys) == 24
    assert counts.float().std() < 0.15 * counts.float().mean()


def test_the_two_views_come_from_different_augmentations():
    batch = batch_of([10] * 600)
    first, second = two_views(batch, (0.5, 0.5, 0.9), draws(1))
    kinds = []
    for view in (first, second):
        cropped = view.batch.mask.sum(1) < 10
        hidden = view.hidden.any(1)
        kinds.append(torch.where(cropped, 0, torch.where(hidden, 1, 2)))
    assert (kinds[0] != kinds[1]).all()
    for kind in kinds:
        assert torch.bincount(kind, minlength=3).tolist() == pytest.approx([200] * 3, rel=0.25)


def test_info_nce_by_hand():
    first = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    second = torch.tensor([[3.0, 0.0], [1.0, 1.0]])
    views = np.concatenate([first.numpy(), second.numpy()])
    losses = []
    for me in range(4):
        partner = (me + 2) % 4
        others = [other for other in range(4) if other != me]
        scores = np.exp([views[me] @ views[other] / 0.5 for other in others])
        losses.append(-np.log(scores[others.index(partner)] / scores.sum()))
    assert float(info_nce(first, second, 0.5)) == pytest.approx(np.mean(losses), rel=1e-5)


def recommender(encoder="cl4srec", items=12, dim=8, seed=0):
    torch.manual_seed(seed)
    settings = EncoderSettings(dim=dim, blocks=1, max_length=8, dropout=0.0)
    tower = ItemTower(ItemFeatures(count=items), ItemSettings(), dim)
    return SequentialRecommender(tower, make_encoder(settings, 0, encoder), Unconditioned(), ScoreSettings(), dim)


def task_of(domain, **training):
    settings = TrainingSettings(batch_size=16, learning_rate=0.01, **training)
    return Task(
        split=leave_one_out(domain),
        max_length=8,
        training=settings,
        evaluation=EvaluationSettings(negatives=5),
        runtime=Runtime(),
    )


def test_the_encoder_is_that_of_sasrec():
    ours, theirs = recommender("cl4srec").state_dict(), recommender("sasrec").state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_hidden_item_is_not_seen_but_keeps_its_place():
    model = recommender().eval()
    vectors = torch.randn(1, 4, 8, requires_grad=True)
    hidden = torch.tensor([[False, True, False, False]])
    view = Augmented(sequences(torch.arange(4)[None], torch.ones(1, 4, dtype=torch.bool)), hidden)
    state = _final_state(model, vectors, view, TrainView(None))
    state.square().sum().backward()
    moved = vectors.grad[0].abs().sum(1)
    assert moved[1] == 0
    assert (moved[[0, 2, 3]] > 0).all()
    shorter = Augmented(view.batch.as_wide_as(3), view.hidden[:, 1:])
    other = _final_state(model, vectors[:, 1:].detach(), shorter, TrainView(None))
    assert not torch.allclose(state, other), "a hidden item is still a position"


def test_contrast_draws_views_of_a_sequence_together():
    """Trained by the contrastive loss alone, partners are found among all others of the batch."""
    generator = np.random.default_rng(0)
    domain = small_domain([generator.choice(40, 8, replace=False).tolist() for _ in range(24)], n_items=40)
    model = recommender(items=40)
    task = task_of(domain, patience=100)

    class OnlyContrast(Contrast):
        replaces_loss = True

    losses = []
    contrast = OnlyContrast(ContrastiveSettings(weight=1.0), 8)
    fit(model, task, NoViews(), title="t", epochs=40, seed=0, log=losses.append, auxiliary=contrast)
    values = [entry["loss"] for entry in losses if "loss" in entry]
    assert np.mean(values[-10:]) < 0.6 * values[0]


def test_the_seam_adds_to_the_ordinary_loss_and_changes_nothing_without():
    domain = small_domain(successor_histories(30, 12, 6), n_items=12)
    logs, weights = {}, {}
    for name, weight in (("none", None), ("zero", 0.0), ("some", 0.5)):
        model, log = recommender(), []
        auxiliary = None if weight is None else Contrast(ContrastiveSettings(weight=weight), 8)
        fit(model, task_of(domain), NoViews(), title=name, epochs=1, seed=0, log=log.append, auxiliary=auxiliary)
        logs[name] = log[-1]["loss"]
        weights[name] = model.state_dict()["items.channels.id.table.weight"]
    assert logs["zero"] == pytest.approx(logs["none"], rel=0.2), "the negatives of later steps are drawn differently"
    assert logs["some"] > logs["none"] + 0.1


def test_histories_longer_than_the_encoder_are_cut():
    domain = small_domain(successor_histories(30, 12, 12), n_items=12)
    contrast, log = Contrast(ContrastiveSettings(weight=0.5), 8), []
    fit(recommender(), task_of(domain), NoViews(), title="t", epochs=1, seed=0, log=log.append, auxiliary=contrast)
    assert np.isfinite(log[-1]["loss"])


def test_without_the_second_loss_nothing_is_drawn_for_it():
    domain = small_domain(successor_histories(30, 12, 6), n_items=12)
    states = []
    for encoder in ("sasrec", "cl4srec"):
        model = recommender(encoder)
        fit(model, task_of(domain), NoViews(), title="t", epochs=2, seed=3, log=lambda _: None)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
