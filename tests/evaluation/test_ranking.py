"""Ranks and metrics against counting by hand; the sampled negatives against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY, random_histories, small_domain

from domains.split import fewer_users, leave_one_out
from transfer.evaluation.metrics import means, per_user
from transfer.evaluation.protocol import sampled_negatives, targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.settings import EvaluationSettings

CPU = torch.device("cpu")
NAN, INF = float("nan"), float("inf")
SMALL = EvaluationSettings(negatives=7)


def not_below(rivals, target):
    """How many rivals the target does not beat; a score that is not a number is beaten by none and beats nobody."""
    target = -INF if math.isnan(target) else target
    return sum(not score < target for score in rivals)


values = st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0, 3.0, NAN, INF, -INF])


@PROPERTY
@given(st.integers(0, 200), st.booleans(), st.booleans(), st.data())
def test_ranks_equal_counting(seed, repeats, one_row, data):
    generator = np.random.default_rng(seed)
    histories = random_histories(generator, 5, 9, 3, 7, repeats)
    domain = small_domain(histories, n_items=9, repeats=repeats)
    table = np.array(data.draw(st.lists(st.lists(values, min_size=9, max_size=9), min_size=5, max_size=5)))
    targets = targets_of(leave_one_out(domain), data.draw(st.sampled_from(["validation", "test"])))
    scores = torch.from_numpy(table)
    ours = rank(domain, targets, lambda rows: scores[rows].clone(), SMALL, CPU, memory=0 if one_row else None)
    drawn = sampled_negatives(targets.users, torch.from_numpy(targets.items), 9, SMALL).numpy()
    for row, user in enumerate(targets.users):
        target = int(targets.items[row])
        before = histories[user][: targets.stops[row] - domain.offsets[user]]
        excluded = set() if repeats else set(before)
        rivals = [item for item in range(9) if item != target and item not in excluded]
        assert ours.full[row] == not_below(table[row][rivals], table[row][target])
        assert ours.full_candidates[row] == len(rivals) + 1
        others = [item for item in range(9) if item != target]
        assert ours.full_all[row] == not_below(table[row][others], table[row][target])
        assert ours.full_all_candidates[row] == 9
        assert ours.sampled[row] == not_below(table[row][drawn[row]], table[row][target])
        assert ours.sampled_candidates[row] == 8
        assert 0 <= ours.full[row] < ours.full_candidates[row]


def test_ties_and_no_numbers_put_the_target_last():
    domain = small_domain([[0, 1, 2, 3]] * 3, n_items=6)
    targets = targets_of(leave_one_out(domain), "test")
    table = torch.tensor([[1.0] * 6, [NAN] * 6, [0.0, 0.0, 0.0, NAN, 1.0, 2.0]])
    ours = rank(domain, targets, lambda rows: table[rows].clone(), SMALL, CPU)
    assert ours.full.tolist() == [2, 2, 2]
    assert ours.full_candidates.tolist() == [3, 3, 3]
    assert ours.sampled.tolist() == [5, 5, 5]


def test_what_is_no_candidate_is_never_recommended():
    domain = small_domain([[0, 1, 2, 3], [4, 3, 2, 1]], n_items=5)
    targets = targets_of(leave_one_out(domain), "test")
    table = torch.tensor([[9.0, 8.0, 7.0, 1.0, 2.0], [3.0, NAN, 9.0, 9.0, 9.0]])
    ours = rank(domain, targets, lambda rows: table[rows].clone(), SMALL, CPU, top=4)
    assert ours.recommended.tolist() == [[4, 3, -1, -1], [0, -1, -1, -1]]


def test_recommendations_are_the_best_items_not_seen_before():
    generator = np.random.default_rng(0)
    domain = small_domain(random_histories(generator, 6, 12, 3, 8), n_items=12)
    targets = targets_of(leave_one_out(domain), "test")
    table = torch.from_numpy(generator.permuted(np.tile(np.arange(12.0), (6, 1)), axis=1))
    ours = rank(domain, targets, lambda rows: table[rows].clone(), SMALL, CPU, top=3, memory=0)
    for row in range(6):
        seen = set(domain.history(row)[:-1].tolist())
        best = sorted(set(range(12)) - seen, key=lambda item: -float(table[row, item]))
        assert ours.recommended[row].tolist() == best[:3]
    assert rank(domain, targets, lambda rows: table[rows].clone(), SMALL, CPU).recommended is None


def test_rank_does_not_ask_for_the_sampled_protocol_when_told_not_to():
    domain = small_domain([[0, 1, 2, 3]], n_items=6)
    targets = targets_of(leave_one_out(domain), "test")
    ours = rank(domain, targets, lambda rows: torch.arange(6.0)[None].clone(), SMALL, CPU, sampled=False)
    assert ours.full.tolist() == [2]


MASK = (1 << 64) - 1


def splitmix(value):
    """The finaliser of splitmix64, in whole numbers."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


@PROPERTY
@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(7, 10**6), st.data())
def test_negatives_are_a_hash_of_seed_and_user(seed, user, n_items, data):
    target = data.draw(st.integers(0, n_items - 1))
    settings = EvaluationSettings(negatives=5, seed=seed)
    ours = sampled_negatives(np.array([user]), torch.tensor([target]), n_items, settings)
    stream = (seed + 1) * 0x9E3779B97F4A7C15 % (1 << 62)
    for column in range(5):
        place = (splitmix(user * 5 + column + stream) & (1 << 62) - 1) % (n_items - 1)
        assert int(ours[0, column]) == (place if place < target else place + 1)


def test_negatives_never_hold_the_target_and_are_uniform():
    users, n_items = np.arange(3000), 11
    targets = torch.from_numpy(users % n_items)
    drawn = sampled_negatives(users, targets, n_items, EvaluationSettings(negatives=9))
    assert drawn.shape == (3000, 9)
    assert int(drawn.min()) == 0
    assert int(drawn.max()) == n_items - 1
    assert not (drawn == targets[:, None]).any()
    counts = torch.bincount((drawn - targets[:, None]).remainder(n_items).flatten(), minlength=n_items)[1:]
    assert float(((counts - 2_700).double() ** 2 / 2_700).sum()) < 25


@pytest.mark.parametrize("negatives", [4, 5, 999])
def test_a_small_catalogue_gives_every_other_item_once(negatives):
    drawn = sampled_negatives(np.arange(3), torch.tensor([0, 2, 4]), 5, EvaluationSettings(negatives=negatives))
    assert drawn.tolist() == [[1, 2, 3, 4], [0, 1, 3, 4], [0, 1, 2, 3]]


def test_negatives_differ_between_users_and_seeds_and_repeat_otherwise():
    targets = torch.zeros(2, dtype=torch.int64)
    ours = sampled_negatives(np.array([3, 4]), targets, 1000, EvaluationSettings(negatives=40))
    again = sampled_negatives(np.array([4, 3]), targets, 1000, EvaluationSettings(negatives=40))
    other = sampled_negatives(np.array([3, 4]), targets, 1000, EvaluationSettings(negatives=40, seed=1))
    assert torch.equal(ours, again.flip(0))
    assert (ours[0] != ours[1]).float().mean() > 0.9
    assert (ours != other).float().mean() > 0.9


def test_metrics_by_hand():
    ours = per_user(np.array([0, 4, 5, 9, 10]), np.array([11] * 5), (5, 10))
    expected = {
        "ndcg@5": [1, 1 / math.log2(6), 0, 0, 0],
        "ndcg@10": [1, 1 / math.log2(6), 1 / math.log2(7), 1 / math.log2(11), 0],
        "hit@5": [1, 1, 0, 0, 0],
        "hit@10": [1, 1, 1, 1, 0],
        "mrr": [1, 1 / 5, 1 / 6, 1 / 10, 1 / 11],
        "auc": [1, 0.6, 0.5, 0.1, 0],
    }
    assert set(ours) == set(expected)
    for name, wanted in expected.items():
        np.testing.assert_allclose(ours[name], wanted, err_msg=name)


@PROPERTY
@given(st.lists(st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))), min_size=1))
def test_auc_is_the_share_of_rivals_below(drawn):
    ranks, counts = (np.array(part, dtype=np.int64) for part in zip(*drawn, strict=True))
    ours = per_user(ranks, counts, (10,))["auc"]
    for value, (place, count) in zip(ours, drawn, strict=True):
        beaten = [rival > place for rival in range(count) if rival != place]
        assert value == pytest.approx(sum(beaten) / len(beaten) if beaten else 1.0)


def test_no_users_have_no_metrics():
    assert means(np.empty(0, np.int64), np.empty(0, np.int64), (5,)) == {}
    assert means(np.array([0, 9]), np.array([10, 10]), (5,))["hit@5"] == 0.5


def test_targets_know_what_came_before():
    domain = small_domain([[0, 1, 2, 3], [4, 5, 6]], n_items=8)
    split = leave_one_out(domain)
    test, validation = targets_of(split, "test"), targets_of(split, "validation")
    assert (test.users.tolist(), test.items.tolist(), test.stops.tolist()) == ([0, 1], [3, 6], [3, 6])
    assert (validation.items.tolist(), validation.stops.tolist()) == ([2, 5], [2, 5])
    assert test.seen_starts.tolist() == [0, 4]
    assert test.excludes_seen
    assert targets_of(split, "test", np.array([1])).users.tolist() == [1]
    assert test.only(np.array([1])).items.tolist() == [6]


def test_where_people_buy_again_only_the_rest_of_the_basket_cannot_be_the_target():
    """Items 1 and 2 were bought with the test target 3; item 0 was bought before, and item 4 by nobody."""
    domain = small_domain([[0, 5, 1, 2, 3], [1, 0, 1]], [[1, 2, 9, 9, 9], [9, 10, 11]], n_items=6, repeats=True)
    targets = targets_of(leave_one_out(domain), "test")
    assert not targets.excludes_seen
    assert targets.seen_starts.tolist() == [2, 7]
    scores = torch.tensor([[9.0, 8.0, 7.0, 1.0, 0.0, 6.0]] * 2)
    found = rank(domain, targets, lambda rows: scores[rows], SMALL, CPU, top=3)
    assert found.full.tolist() == [2, 1], "0 and 5 are above 3; 0 is above 1"
    assert found.full_candidates.tolist() == [4, 6]
    assert found.full_all.tolist() == [4, 1]
    assert found.recommended.tolist() == [[0, 5, 3], [0, 1, 2]]


def test_users_without_a_target_are_not_ranked_and_few_shot_tests_everyone():
    split = leave_one_out(small_domain([[0, 1], [2, 3, 4], [5, 6, 7]], n_items=8), short_users="train")
    assert targets_of(split, "test").users.tolist() == [1, 2]
    few = fewer_users(split, 0.3, 0)
    assert targets_of(few, "test").users.tolist() == [1, 2]
    assert len(targets_of(few, "validation", few.training_users)) <= 1
