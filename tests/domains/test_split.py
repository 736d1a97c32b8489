"""Splits: what trains, validates and tests."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal

from domains.domain import Domain, TimeKind
from domains.errors import InputError
from domains.split import fewer_users, hide_items, leave_one_out, only_new_items, temporal


def make(histories, times=None, kind=TimeKind.TIMESTAMP, n_items=10):
    lengths = [len(history) for history in histories]
    flat_times = np.concatenate(times) if times else np.concatenate([np.arange(n) for n in lengths])
    return Domain(
        name="small",
        item_ids=pa.array([str(i) for i in range(n_items)], pa.large_string()),
        titles=pa.array([f"title {i}" for i in range(n_items)], pa.large_string()),
        categories=None,
        user_ids=pa.array([f"u{i}" for i in range(len(histories))], pa.large_string()),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=np.concatenate(histories).astype(np.int32),
        times=flat_times.astype(np.int64),
        time_kind=kind,
    )


def test_leave_one_out_takes_the_last_two():
    split = leave_one_out(make([[1, 2, 3], [4, 5, 6, 7, 8]]))
    assert repr(split) == "<Split of 'small': leave-one-out, 2 train, 2 tested>"
    assert split.train_stop.tolist() == [1, 6]
    assert split.validation.tolist() == [1, 6]
    assert split.test.tolist() == [2, 7]
    assert split.domain.items[split.test].tolist() == [3, 8]
    assert split.training_users.tolist() == [0, 1]


def test_leave_one_out_names_the_short_user():
    with refusal("short-users", "small", about="'u1'") as caught:
        leave_one_out(make([[1, 2, 3], [4, 5]]))
    assert caught.value.problem.endswith("(1 such user)")
    assert "min_user_interactions" in caught.value.hint and "evaluation.short_users" in caught.value.hint


def test_short_users_may_train_only():
    split = leave_one_out(make([[1, 2, 3], [4, 5]]), short_users="train")
    assert split.train_stop.tolist() == [1, 5]
    assert split.validation.tolist() == [1, -1]
    assert split.test.tolist() == [2, -1]


def test_temporal_cuts_at_global_moments():
    domain = make(
        [[1, 2, 3, 4], [5, 6], [7, 8], [9]],
        [np.array([10, 20, 30, 40]), np.array([5, 35]), np.array([22, 33]), np.array([5])],
    )
    split = temporal(domain, (20, 30))
    # user 0: 10 | 20 | 30 40; user 1: 5 | - | 35; user 2 is unknown before validation; user 3 stops early.
    assert split.train_stop.tolist() == [1, 5, 6, 9]
    assert split.validation.tolist() == [1, -1, -1, -1]
    assert split.test.tolist() == [2, 5, 7, -1]


def test_temporal_refuses_an_order_and_turned_moments():
    with refusal("time-order", "small"):
        temporal(make([[1, 2, 3]], kind=TimeKind.ORDER), (1, 2))
    with refusal("split", "small", about="test_from"):
        temporal(make([[1, 2, 3]]), (2, 2))


def test_without_moments_the_last_tenths_are_held_out():
    times = np.arange(100)
    split = temporal(make([np.arange(10)] * 10, list(np.split(times, 10))))
    assert split.moments == (80, 90)
    assert split.protocol == "temporal (validation from 1970-01-01T00:01:20, test from 1970-01-01T00:01:30)"
    days = [86_400 * np.arange(20), 86_400 * np.arange(20)]
    assert temporal(make([np.arange(20) % 10] * 2, days)).moments == (16 * 86_400, 18 * 86_400)


def test_one_moment_cannot_be_cut_by_default():
    with refusal("split", "small", about="1970-01-08"):
        temporal(make([[1, 2, 3]], [np.full(3, 7 * 86_400)]))


def test_fewer_users_nest_and_still_test_all():
    split = leave_one_out(make([[1, 2, 3]] * 40))
    small, large = fewer_users(split, 0.1, seed=3), fewer_users(split, 0.5, seed=3)
    assert len(small.training_users) == 4
    assert len(large.training_users) == 20
    assert set(small.training_users) <= set(large.training_users)
    assert (np.diff(large.training_users) > 0).all()
    assert (small.test == split.test).all()
    assert len(fewer_users(split, 0, seed=0).training_users) == 0
    assert len(fewer_users(split, 0.001, seed=0).training_users) == 1
    with refusal("split", about="1.5"):
        fewer_users(split, 1.5, seed=0)


@pytest.mark.parametrize(("share", "said"), [(0, "0%"), (0.001, "0.1%"), (0.025, "2.5%"), (0.07, "7%"), (1, "100%")])
def test_small_shares_of_users_are_told_apart(share, said):
    split = fewer_users(leave_one_out(make([[1, 2, 3]])), share, seed=0)
    assert split.protocol == f"leave-one-out, {said} of the users"


def test_hidden_items_stay_only_as_test_targets():
    split = leave_one_out(make([[1, 2, 3, 4], [2, 5, 1, 2], [2, 2, 2, 2], [6, 7, 8, 9]]))
    hidden = np.zeros(10, dtype=bool)
    hidden[2] = True
    new = hide_items(split, hidden)
    assert [new.domain.history(u).tolist() for u in range(4)] == [[1, 3, 4], [5, 1, 2], [2], [6, 7, 8, 9]]
    assert new.domain.items[new.test].tolist() == [4, 2, 2, 9]
    assert new.validation.tolist() == [1, 4, -1, 9]
    assert new.train_stop.tolist() == [1, 4, 6, 9]
    assert new.domain.n_items == 10
    assert split.domain.n_interactions == 16
    with refusal("split", "small", about="(3,)"):
        hide_items(split, np.ones(3, dtype=bool))


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=8), min_size=1, max_size=6),
    st.sets(st.integers(0, 9)),
)
def test_hiding_equals_filtering_by_hand(histories, chosen):
    hidden = np.isin(np.arange(10), list(chosen))
    new = hide_items(leave_one_out(make(histories)), hidden)
    for user, history in enumerate(histories):
        *train, validation, test = history
        kept = [item for item in train if item not in chosen]
        start = new.domain.offsets[user]
        assert new.domain.items[start : new.train_stop[user]].tolist() == kept
        assert new.domain.items[new.test[user]] == test
        if validation in chosen:
            assert new.validation[user] == -1
        else:
            assert new.domain.items[new.validation[user]] == validation


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=8), min_size=4, max_size=9), st.integers(0, 50))
def test_only_new_items_are_tested_and_nobody_met_them(histories, seed):
    split = leave_one_out(make(histories))
    try:
        new = only_new_items(split, 0.4, seed)
    except InputError as error:
        assert "no test target" in str(error)
        return
    assert ", 4 hidden items" in new.protocol
    assert int(new.new_items.sum()) >= 4
    tested = new.test[new.test >= 0]
    assert new.new_items[new.domain.items[tested]].all()
    others = np.ones(new.domain.n_interactions, dtype=bool)
    others[tested] = False
    last = new.domain.offsets[1:] - 1
    others[last] = False
    assert not new.new_items[new.domain.items[others]].any()
    wanted = {user for user, history in enumerate(histories) if new.new_items[history[-1]]}
    assert set(np.flatnonzero(new.test >= 0).tolist()) == wanted


def test_an_item_that_nobody_met_before_the_test_is_new():
    domain = make([[1, 2, 3], [1, 4], [5]])
    unmet = leave_one_out(domain, short_users="train").new_items
    assert np.flatnonzero(unmet).tolist() == [0, 3, 6, 7, 8, 9], "3 is only a test target"
    everything = make([list(range(10)), [9, 1, 2], [9]])
    assert leave_one_out(everything, short_users="train").new_items is None


def test_an_item_that_is_met_from_the_test_on_is_new():
    domain = make([[1, 2, 3, 4], [1, 2, 5, 6]])
    first, _, third, _ = domain.times[:4].tolist()
    split = temporal(domain, (first + 1, third))
    assert not split.new_items[[1, 2]].any()
    assert split.new_items[[3, 4, 5, 6]].all()
