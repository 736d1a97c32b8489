"""Training negatives: never a trained item, each other one equally likely."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from transfer_cases import PROPERTY, small_domain

from domains.split import hide_items, leave_one_out
from transfer.training.sampling import NegativeSampler

CPU = torch.device("cpu")
histories = st.lists(st.lists(st.integers(0, 9), min_size=0, max_size=14), min_size=1, max_size=6)


def allowed_items(split, user):
    trained = split.domain.items[split.starts[user] : split.train_stop[user]]
    new = set() if split.new_items is None or split.new_items.all() else set(np.flatnonzero(split.new_items).tolist())
    return sorted(set(range(split.domain.n_items)) - set(trained.tolist()) - new)


@PROPERTY
@given(histories, st.integers(0, 1000))
def test_exactly_the_untrained_items_are_drawn(drawn, seed):
    split = leave_one_out(small_domain(drawn, n_items=10, repeats=True), short_users="train")
    sampler = NegativeSampler(split, CPU)
    users = torch.arange(len(drawn)).repeat(2)
    ours = sampler.sample(users, 300, torch.Generator().manual_seed(seed))
    assert ours.shape == (2 * len(drawn), 300)
    assert ours.dtype == torch.int64
    for row, user in enumerate(users.tolist()):
        wanted = allowed_items(split, user)
        if wanted:
            assert sorted(set(ours[row].tolist())) == wanted
        else:
            assert 0 <= int(ours[row].min()) <= int(ours[row].max()) < 10


def test_the_held_out_items_are_allowed_unless_nobody_met_them():
    split = leave_one_out(small_domain([[0, 1, 2, 3], [4, 3, 0, 5]], n_items=7))
    ours = NegativeSampler(split, CPU).sample(torch.zeros(1, dtype=torch.int64), 100, torch.Generator().manual_seed(0))
    assert set(ours.unique().tolist()) == {2, 3, 4}, "5 is only a test target, 6 is in no history"


def test_draws_are_uniform():
    # Runs of trained items at both ends and in the middle, one user before and one behind.
    others = [[item, item] for item in range(8, 18)]
    histories = [[3, 4], [0, 1, 5, 6, 7, 19, 2, 3], [18], *others]
    split = leave_one_out(small_domain(histories, n_items=20, repeats=True), short_users="train")
    sampler = NegativeSampler(split, CPU)
    drawn = sampler.sample(torch.tensor([1]), 140_000, torch.Generator().manual_seed(0))[0].numpy()
    counts = np.bincount(drawn, minlength=20)[allowed_items(split, 1)]
    assert len(counts) == 14
    assert stats.chisquare(counts).pvalue > 0.01


def test_the_generator_decides():
    histories = [[3, 4, 5], [0, 1, 2], *([item] for item in range(50))]
    split = leave_one_out(small_domain(histories, n_items=50), short_users="train")
    sampler, users = NegativeSampler(split, CPU), torch.tensor([0, 1])
    first, again, other = (sampler.sample(users, 40, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@PROPERTY
@given(histories, st.sets(st.integers(0, 9), max_size=8), st.integers(0, 1000))
def test_new_items_are_never_drawn_and_all_others_are(drawn, hidden, seed):
    domain = small_domain(drawn, n_items=10, repeats=True)
    new = np.isin(np.arange(10), list(hidden))
    split = hide_items(leave_one_out(domain, short_users="train"), new)
    assume(not split.new_items.all())
    sampler = NegativeSampler(split, CPU)
    generator = torch.Generator().manual_seed(seed)
    ours = sampler.sample(torch.arange(len(drawn)), 300, generator)
    for user, row in enumerate(ours):
        wanted = sorted(set(allowed_items(split, user)) - hidden)
        if wanted:
            assert sorted(set(row.tolist())) == wanted
    assert set(sampler.shared(300, generator).tolist()) == set(np.flatnonzero(~split.new_items).tolist())
