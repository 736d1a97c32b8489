"""Figures of groups of targets against a computation by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from transfer_cases import random_histories, small_domain

from domains.split import leave_one_out
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import Ranking
from transfer.evaluation.target_groups import resembles_history, target_groups, title_words


def ranked(*full):
    ranks = np.array(full)
    many = np.full(len(ranks), 20)
    return Ranking(
        users=np.arange(len(ranks)), sampled=ranks + 19, full=ranks, sampled_candidates=many, full_candidates=many
    )


def runs(**by_variant):
    return {name: {"test": list(rankings), "validation": []} for name, rankings in by_variant.items()}


# Targets: user 0 at its own time, user 1 tied, user 2 tied.
TIED = small_domain([[0, 1, 2], [1, 2, 0], [2, 0, 1]], times=[[1, 1, 2], [1, 2, 2], [7, 7, 7]])


def test_targets_at_their_own_time_stand_beside_the_others():
    found = target_groups(
        runs(a=[ranked(0, 1, 20), ranked(20, 1, 20)], b=[ranked(2, 2, 2)]), leave_one_out(TIED), (10,)
    )
    groups = {group.name: group for group in found}
    assert (groups["untied"].users, groups["tied"].users) == (1, 2)
    assert groups["untied"].values["full/hit@10"] == {"a": 0.5, "b": 1.0}
    assert groups["tied"].values["full/hit@10"] == {"a": 0.5, "b": 1.0}
    assert groups["untied"].values["full/ndcg@10"] == {"a": 0.5, "b": 0.5}
    assert groups["tied"].values["full/ndcg@10"]["a"] == pytest.approx(0.5 / np.log2(3))


def test_a_division_with_one_side_is_left_out():
    # All titles share one of three words ("title 0" and "title 1"), and no times are equal.
    split = leave_one_out(small_domain([[0, 1, 2], [1, 2, 0]]))
    assert target_groups(runs(a=[ranked(0, 1)]), split, (10,)) == ()
    split = leave_one_out(small_domain([[0, 1, 2], [1, 2, 0]], times=[[1, 1, 1], [1, 1, 1]]))
    assert target_groups(runs(a=[ranked(0, 1)]), split, (10,)) == ()


TITLES = ["Toy Car, red", "toy car", "A red boat", "", "car Toy Car", "boat & oars"]


@pytest.mark.parametrize(
    ("history", "alike"),
    [
        ([2, 3, 0], False),  # {red} of {toy, car, red, a, boat}
        ([1, 3, 0], True),  # {toy, car} of {toy, car, red}
        ([3, 2, 5], False),  # {boat} of {a, red, boat, oars}
        ([1, 2, 4], True),  # the same two words
        ([3, 3, 3], False),  # empty titles
    ],
)
def test_titles_are_alike_from_half_of_their_words(history, alike):
    split = leave_one_out(small_domain([history], titles=TITLES, n_items=6, repeats=True))
    assert resembles_history(split, targets_of(split, "test")).tolist() == [alike]


def test_exactly_half_is_alike():
    split = leave_one_out(small_domain([[1, 2, 0]], titles=["a b c", "a", "a b d"]))
    assert resembles_history(split, targets_of(split, "test")).tolist() == [True]  # 2 of 4


@pytest.mark.parametrize("pairs", [1, 7, 1 << 20])
def test_likeness_agrees_with_sets_whatever_the_block(pairs):
    rng = np.random.default_rng(0)
    titles = [" ".join(rng.choice(list("abcdefgh"), rng.integers(0, 4))) for _ in range(30)]
    histories = random_histories(rng, 40, 30, 3, 6)
    split = leave_one_out(small_domain(histories, titles=titles, n_items=30))
    words = [set(title.split()) for title in titles]

    def jaccard(a, b):
        return len(words[a] & words[b]) / len(words[a] | words[b]) if words[a] | words[b] else 0.0

    expected = [any(jaccard(history[-1], item) >= 0.5 for item in history[:-1]) for history in histories]
    assert resembles_history(split, targets_of(split, "test"), pairs).tolist() == expected
    assert 0 < sum(expected) < 40


def test_words_count_once():
    words = title_words(pa.array(["b b a", "", "B"], pa.large_string()))
    assert words.sum(axis=1).ravel().tolist() == [[2, 0, 1]]
