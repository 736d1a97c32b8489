"""Comparisons of variants against SciPy and the normal approximation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from transfer.evaluation.summary import compare, two_way


def metric(seeds, users, shift=0.0, seed=0):
    return np.random.default_rng(seed).random((seeds, users)) + shift


def compared(ours, theirs, **options):
    return compare("new", "old", "test", "full/ndcg@10", ours, theirs, **options)


def test_difference_and_p_values_are_scipys():
    ours, theirs = metric(4, 60, 0.05, 1), metric(4, 60, 0.0, 2)
    found = compared(ours, theirs)
    assert found.difference == pytest.approx(ours.mean() - theirs.mean())
    assert found.relative == pytest.approx((ours.mean() - theirs.mean()) / theirs.mean())
    assert found.p_users == pytest.approx(stats.ttest_rel(ours.mean(0), theirs.mean(0)).pvalue)
    assert found.p_seeds == pytest.approx(stats.ttest_rel(ours.mean(1), theirs.mean(1)).pvalue)
    assert found.seeds == 4
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["variant"] == "new"


def test_the_interval_is_that_of_the_mean_over_users():
    ours, theirs = metric(1, 400, 0.05, 1), metric(1, 400, 0.0, 2)
    found = compared(ours, theirs)
    users = (ours - theirs)[0]
    half = 1.96 * users.std() / np.sqrt(400)
    assert found.low == pytest.approx(users.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(users.mean() + half, abs=0.15 * half)
    assert found.low < found.difference < found.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for trial in range(60):
        users = np.random.default_rng(trial).normal(0.3, 1.0, (1, 80))
        found = compared(users, np.zeros((1, 80)), resamples=200)
        covered += found.low <= 0.3 <= found.high
    assert 51 <= covered <= 60


def test_users_who_differ_alike_are_resampled_as_so_many_users():
    users = np.repeat([0.0, 0.5, -0.25], [900, 70, 30])[None]
    found = compared(users, np.zeros((1, 1000)), resamples=4000)
    drawn = np.random.default_rng(3).choice(users[0], (4000, 1000)).mean(axis=1)
    assert found.low == pytest.approx(np.quantile(drawn, 0.025), abs=0.002)
    assert found.high == pytest.approx(np.quantile(drawn, 0.975), abs=0.002)


def test_the_bootstrap_repeats():
    ours, theirs = metric(2, 30, 0.1, 1), metric(2, 30, 0.0, 2)
    assert compared(ours, theirs) == compared(ours, theirs)


def test_nothing_differs():
    same = metric(3, 20)
    found = compared(same, same)
    assert (found.difference, found.relative, found.low, found.high) == (0.0, 0.0, 0.0, 0.0)
    assert found.p_users is None
    assert found.p_seeds is None


def test_outcomes_that_no_seed_changes_are_no_sample_of_seeds():
    ours, theirs = (np.repeat(metric(1, 20, seed=seed), 3, axis=0) for seed in (1, 2))
    found = compared(ours, theirs)
    assert found.p_seeds is None
    assert found.p_users == pytest.approx(stats.ttest_rel(ours[0], theirs[0]).pvalue)
    assert compared(ours, metric(3, 20)).p_seeds is not None
    assert compared(metric(3, 20), theirs).p_seeds is not None


def test_one_seed_and_a_baseline_that_never_hits():
    found = compared(metric(1, 20), np.zeros((1, 20)))
    assert found.p_seeds is None
    assert found.p_users is not None
    assert found.relative is None


def effects(rng, seeds, users, of_seed, of_user=0.5, rest=1.0):
    return rng.normal(0, of_user, (1, users)) + rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, rest, (seeds, users))


def test_two_way_is_the_mixed_models_quasi_f():
    gain = effects(np.random.default_rng(3), 6, 40, 0.4) + 0.3
    found = two_way(gain)
    # Sums of squares from the cell, row and column totals, as textbooks write them.
    total, n = gain.sum(), gain.size
    seed = (gain.sum(1) ** 2).sum() / 40 - total**2 / n
    user = (gain.sum(0) ** 2).sum() / 6 - total**2 / n
    rest = ((gain**2).sum() - total**2 / n - seed - user) / (5 * 39)
    seed, user = seed / 5, user / 39
    assert user > rest
    freedom = (seed + user - rest) ** 2 / (seed**2 / 5 + (user - rest) ** 2 / 39)
    statistic = gain.mean() / np.sqrt((seed + user - rest) / n)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(statistic), freedom))
    assert found.low < gain.mean() < found.high
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@pytest.mark.parametrize("of_seed", [0.0, 0.1, 0.5])
def test_two_way_finds_nothing_about_as_often_as_it_says(of_seed):
    rng = np.random.default_rng(0)
    found = [two_way(effects(rng, 5, 200, of_seed)).p < 0.05 for _ in range(400)]
    assert 0.02 <= np.mean(found) <= 0.085
    tested_over_users = [stats.ttest_1samp(effects(rng, 5, 200, of_seed).mean(0), 0).pvalue < 0.05 for _ in range(400)]
    if of_seed >= 0.5:
        assert np.mean(tested_over_users) > 0.3, "what users alone say does not repeat"


def test_seeds_that_agree_by_luck_make_nothing_certain():
    gain = effects(np.random.default_rng(0), 5, 400, of_seed=0.0, of_user=0.0)
    gain += 0.03 + 0.001 * np.arange(5)[:, None] - gain.mean(axis=1, keepdims=True)
    assert stats.ttest_1samp(gain.mean(axis=1), 0).pvalue < 1e-4, "over seeds alone it would be certain"
    found = two_way(gain)
    over_all = stats.ttest_1samp(gain.ravel(), 0)
    assert found.p >= 0.9 * over_all.pvalue > 0.05
    assert found.low < 0 < found.high


def test_two_way_finds_what_is_there():
    rng = np.random.default_rng(0)
    assert two_way(effects(rng, 5, 500, 0.05) + 0.5).p < 0.01


def test_two_way_needs_five_seeds_and_something_to_test():
    rng = np.random.default_rng(0)
    assert compared(rng.random((4, 30)), rng.random((4, 30))).two_way is None
    found = compared(rng.random((5, 30)), rng.random((1, 30)).repeat(5, axis=0))
    assert found.two_way is not None
    assert two_way(np.zeros((5, 30))) is None
    assert two_way(np.full((5, 1), 0.5)) is None
    once = rng.random((1, 30)).repeat(5, axis=0)
    assert compared(once, once[:, ::-1]).two_way is None, "no seed changes anything"
