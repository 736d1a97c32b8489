"""What an item is: each channel and their scaled sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower

DIM = 5
BAG = csr_matrix(np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 2, 0]], dtype=np.float32))
GENERATOR = np.random.default_rng(0)
TITLES = torch.from_numpy(GENERATOR.normal(size=(4, 6))).float()
MEANS = torch.from_numpy(GENERATOR.normal(size=(4, 6))).float()
FEATURES = ItemFeatures(count=4, anchors=BAG, anchor_vectors=MEANS, title_vectors=TITLES, categories=BAG[:, :2].tocsr())
EVERY = ("id", "anchors", "anchors-semantic", "title-semantic", "categories")


def tower(*channels):
    torch.manual_seed(0)
    return ItemTower(FEATURES, ItemSettings(channels=channels), DIM).eval()


def by_hand(made, channel, item):
    """One channel's vector of one item, from its parameters."""
    weights = {name: value.detach().numpy() for name, value in made.channels[channel].named_parameters()}
    if channel == "id":
        return weights["table.weight"][item]
    if channel in ("anchors", "categories"):
        row = BAG.toarray()[item][: len(weights["table.weight"])]
        return row @ weights["table.weight"] / row.sum() if row.sum() else np.zeros(DIM)
    vectors = MEANS if channel == "anchors-semantic" else TITLES
    return weights["map.weight"] @ vectors[item].numpy()


@pytest.mark.parametrize("channel", EVERY)
def test_one_channel_is_the_item(channel):
    made = tower(channel)
    ours = made(torch.tensor([2, 0, 1, 2, 3])).detach().numpy()
    np.testing.assert_allclose(ours, [by_hand(made, channel, item) for item in (2, 0, 1, 2, 3)], rtol=1e-4, atol=1e-6)


def test_channels_add_up_with_learned_positive_scales():
    made = tower(*EVERY)
    logs = [0.0, 0.5, -1.0, 0.2, 0.1]
    with torch.no_grad():
        made.log_scales.copy_(torch.tensor(logs))
    ours = made.all().detach().numpy()
    for item in range(4):
        expected = sum(np.exp(log) * by_hand(made, name, item) for log, name in zip(logs, EVERY, strict=True))
        np.testing.assert_allclose(ours[item], expected, rtol=1e-4, atol=1e-6)


def test_only_a_plain_id_is_a_table():
    assert tower("id").is_table
    assert not tower("anchors").is_table
    assert not tower("id", "anchors").is_table


def test_what_does_not_belong_to_the_model_is_not_saved_with_it():
    names = set(tower(*EVERY).state_dict())
    assert names == {
        "log_scales",
        "channels.id.table.weight",
        "channels.anchors.table.weight",
        "channels.categories.table.weight",
        "channels.anchors-semantic.map.weight",
        "channels.title-semantic.map.weight",
    }


def test_a_channel_without_its_features_is_refused():
    with pytest.raises(ValueError, match="title-semantic"):
        ItemTower(ItemFeatures(count=4), ItemSettings(channels=("title-semantic",)), DIM)


def test_the_id_of_an_item_that_nobody_trains_on_says_nothing():
    torch.manual_seed(0)
    known = torch.tensor([True, False, True, True])
    made = ItemTower(replace(FEATURES, known=known), ItemSettings(channels=("id", "title-semantic")), DIM)
    everywhere = tower("id", "title-semantic")
    ours, others = made.all().detach(), everywhere.all().detach()
    torch.testing.assert_close(ours[known], others[known])
    np.testing.assert_allclose(ours[1], by_hand(made, "title-semantic", 1), rtol=1e-4, atol=1e-6)
    assert "channels.id.known" not in made.state_dict()
