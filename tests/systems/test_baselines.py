"""Baselines against loops over users and items."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import torch
from refusals import refusal
from scipy.sparse import csr_matrix
from transfer_cases import random_histories, rank_with, small_domain

from domains.split import fewer_users, hide_items, leave_one_out
from domains.ties import id_places
from transfer.evaluation.protocol import targets_of
from transfer.registry import Items, Target, find_system, system_settings
from transfer.runtime import Runtime
from transfer.serving.history import History

CPU = torch.device("cpu")
SIMPLE = ("popular", "transitions", "item-knn", "ease", "anchor-matching")
ITEMS, ANCHORS = 12, 5
GENERATOR = np.random.default_rng(0)
ITEM_ANCHORS = (GENERATOR.random((ITEMS, ANCHORS)) < 0.4).astype(np.float32)
ITEM_ANCHORS[3] = 0
IDF = np.array([1.0, 2.0, 0.5, 3.0, 1.5], dtype=np.float32)


def split_of(share=0.6, seed=0):
    domain = small_domain(random_histories(np.random.default_rng(seed), 20, ITEMS, 3, 8), n_items=ITEMS)
    return fewer_users(leave_one_out(domain), share, seed)


def scores(name, split, stage="test", **settings):
    targets = targets_of(split, stage)
    ours = rank_with(name, split, csr_matrix(ITEM_ANCHORS), IDF, stage, systems={name: settings})
    # In two blocks, and not in order.
    rows = torch.randperm(len(targets), generator=torch.Generator().manual_seed(0))
    found = np.empty((len(targets), ITEMS))
    for part in rows.split(13):
        found[part.numpy()] = ours(part).numpy()
    return found, targets


def train_sequences(split):
    """What may be counted: the train parts of the users that train."""
    return [split.domain.items[split.starts[user] : split.train_stop[user]].tolist() for user in split.training_users]


def histories(split, targets):
    return [
        split.domain.items[split.starts[user] : stop].tolist()
        for user, stop in zip(targets.users, targets.stops, strict=True)
    ]


def popularity(split):
    counts = Counter(item for sequence in train_sequences(split) for item in sequence)
    return np.array([counts[item] for item in range(ITEMS)], dtype=float)


def same_order(ours, expected, tiebreak):
    """The ranking is that of `expected`, and of `tiebreak` where that leaves items equal."""
    for row, wanted in zip(ours, expected, strict=True):
        for i in range(ITEMS):
            for j in range(ITEMS):
                tied = abs(wanted[i] - wanted[j]) < 1e-9
                if wanted[i] > wanted[j] + 1e-5 or (tied and tiebreak[i] > tiebreak[j]):
                    assert row[i] > row[j]


@pytest.mark.parametrize("stage", ["validation", "test"])
def test_popular_counts_train_interactions(stage):
    split = split_of()
    ours, targets = scores("popular", split, stage)
    np.testing.assert_array_equal(np.floor(ours), np.tile(popularity(split), (len(targets), 1)))


def test_popular_is_chance_where_nobody_trains():
    domain = small_domain(random_histories(np.random.default_rng(0), 400, ITEMS, 3, 8), n_items=ITEMS)
    split = fewer_users(leave_one_out(domain), 0.0, 0)
    targets = targets_of(split, "test")
    ours = rank_with("popular", split, csr_matrix(ITEM_ANCHORS), IDF)(torch.arange(len(targets))).numpy()
    assert len(np.unique(ours[0])) == ITEMS
    above = (ours > ours[np.arange(len(targets)), targets.items][:, None]).sum(1)
    assert abs(above.mean() / (ITEMS - 1) - 0.5) < 0.1


def test_new_items_are_less_popular_than_all_others():
    split = hide_items(split_of(share=0.1), np.arange(ITEMS) % 4 == 0)
    ours, _ = scores("popular", split)
    assert (ours[:, split.new_items] == 0).all()
    assert (ours[:, ~split.new_items] > 0).all()


def test_popular_may_be_changed_by_who_ranks():
    split = split_of()
    ours = rank_with("popular", split, csr_matrix(ITEM_ANCHORS), IDF)
    first = ours(torch.arange(3))
    first[:] = -1
    assert (ours(torch.arange(3)) >= 0).all()


@pytest.mark.parametrize("stage", ["validation", "test"])
def test_transitions_count_what_followed_the_last_item(stage):
    split = split_of()
    counts = np.zeros((ITEMS, ITEMS))
    for sequence in train_sequences(split):
        for before, after in pairwise(sequence):
            counts[before, after] += 1
    assert counts.sum() > 0
    ours, targets = scores("transitions", split, stage)
    expected = np.array([counts[history[-1]] for history in histories(split, targets)])
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    same_order(ours, expected, popularity(split))


def train_matrix(split):
    matrix = np.zeros((len(split.training_users), ITEMS))
    for row, sequence in enumerate(train_sequences(split)):
        matrix[row, sequence] = 1
    return matrix


def cosines(split, neighbours):
    matrix = train_matrix(split)
    similarity = np.zeros((ITEMS, ITEMS))
    for i in range(ITEMS):
        row = np.zeros(ITEMS)
        for j in range(ITEMS):
            length = np.linalg.norm(matrix[:, i]) * np.linalg.norm(matrix[:, j])
            row[j] = matrix[:, i] @ matrix[:, j] / length if length and i != j else 0.0
        for j in sorted(range(ITEMS), key=lambda j: (-row[j], j))[:neighbours]:
            similarity[i, j] = row[j]
    return similarity


@pytest.mark.parametrize("neighbours", [100, 3])
def test_item_knn_adds_up_cosines_of_the_nearest(neighbours):
    split = split_of()
    ours, targets = scores("item-knn", split, neighbours=neighbours)
    similarity = cosines(split, neighbours)
    expected = np.array([similarity[sorted(set(history))].sum(0) for history in histories(split, targets)])
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    same_order(ours, expected, popularity(split))


def test_ease_equals_its_closed_form():
    split = split_of()
    matrix = train_matrix(split)
    inverse = np.linalg.inv(matrix.T @ matrix + 2.0 * np.eye(ITEMS))
    weights = np.eye(ITEMS) - inverse @ np.diag(1 / np.diag(inverse))
    np.testing.assert_allclose(np.diag(weights), 0, atol=1e-12)
    ours, targets = scores("ease", split, l2=2.0)
    expected = np.array([weights[sorted(set(history))].sum(0) for history in histories(split, targets)])
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_ease_refuses_what_cannot_be_inverted():
    with refusal("too-many-items", "variants"):
        scores("ease", split_of(), largest=5)


def test_anchor_matching_is_a_cosine_of_idf_weighted_anchors():
    split = split_of(share=0.0)
    ours, targets = scores("anchor-matching", split)
    weighted = ITEM_ANCHORS * IDF
    for row, history in enumerate(histories(split, targets)):
        user = sum(weighted[item] for item in history)
        for item in range(ITEMS):
            length = np.linalg.norm(user) * np.linalg.norm(weighted[item])
            expected = user @ weighted[item] / length if length else 0.0
            assert ours[row, item] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", SIMPLE)
def test_no_baseline_looks_at_what_it_may_not(name):
    """Other held-out items, and other users that do not train, change nothing."""
    split = split_of()
    ours, targets = scores(name, split, "validation")
    items = split.domain.items.copy()
    items[split.test] = (items[split.test] + 5) % ITEMS
    idle = np.setdiff1d(np.arange(split.domain.n_users), split.training_users)
    changed = small_domain(
        [items[start:stop] for start, stop in zip(split.domain.offsets, split.domain.offsets[1:], strict=False)],
        n_items=ITEMS,
        repeats=True,
    )
    again = fewer_users(leave_one_out(changed), 0.6, 0)
    assert again.training_users.tolist() == split.training_users.tolist()
    np.testing.assert_allclose(scores(name, again, "validation")[0], ours, atol=1e-6)
    if name not in ("popular", "anchor-matching"):
        assert len(idle)
        assert len(np.unique(ours[np.isin(targets.users, idle)], axis=0)) > 1


@pytest.mark.parametrize("name", [*SIMPLE, "next-ids"])
def test_users_without_a_history_are_scored_alike(name):
    """Beside others or among themselves: a domain that another engine wrote may hold such users."""
    split = split_of()
    target = Target(split=split, items=Items(csr_matrix(ITEM_ANCHORS), IDF), source=None, runtime=Runtime())
    system = find_system(name)
    ranker = system.fit(target, system_settings(system, {}))
    several, nobody = (History.of_many(split.domain, past) for past in ([[1, 2], [], []], [[], []]))
    beside = ranker(several.domain, several.targets)(torch.arange(3))
    alone = ranker(nobody.domain, nobody.targets)(torch.arange(2))
    assert torch.equal(alone, beside[1:])
    assert torch.equal(alone[0], alone[1])


@pytest.mark.parametrize("name", SIMPLE)
def test_nobody_trains(name):
    ours, _ = scores(name, split_of(share=0.0))
    assert np.isfinite(ours).all()


def test_every_simple_baseline_has_a_file_of_its_name():
    for name in SIMPLE:
        assert find_system(name).fit.__module__.rsplit(".", 1)[1].replace("_", "-") == name


@pytest.mark.parametrize(
    ("ids", "order"),
    [(["2", "10", "1"], [1, 2, 0]), (["b2", "b10", "a"], [2, 1, 0])],
)
def test_ids_are_ordered_as_numbers_where_all_are(ids, order):
    np.testing.assert_array_equal(id_places(pa.array(ids, pa.large_string())), order)


def test_next_ids_rank_what_follows_the_last_item_and_go_around():
    domain = small_domain([[0, 1, 3, 2]], n_items=5)  # ids are in the order of indices
    ours = rank_with("next-ids", leave_one_out(domain), csr_matrix((5, 1)), np.ones(1, np.float32))(torch.arange(1))
    assert ours[0].argsort(descending=True).tolist() == [4, 0, 1, 2, 3]
