"""T-DiffRec and TI-DiffRec over items; S2IDM matching without any training in the target."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from refusals import refusal
from scipy.sparse import csr_matrix
from transfer_cases import random_histories, rank_with, small_domain

from domains.domain import TimeKind
from domains.split import fewer_users, leave_one_out, temporal
from transfer.diffusion.over_items import item_weights, train_diffrec
from transfer.diffusion.reverse import reverse_literal
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import DiffRecSettings, S2IDMSettings
from transfer.evaluation.protocol import targets_of
from transfer.interests.forms import DiffusedInterests
from transfer.interests.settings import InterestSettings
from transfer.registry import SourceKnowledge
from transfer.runtime import Runtime

SETTINGS = DiffRecSettings(
    w_min=0.2, w_max=1.0, model=S2IDMSettings(hidden=16, epochs=30, batch_size=16, learning_rate=0.01, patience=30)
)
CPU = torch.device("cpu")


def scores_of(name, split, stage="test"):
    """Of a system that looks at no anchors."""
    nothing = csr_matrix((split.domain.n_items, 1), dtype=np.float32)
    values = SETTINGS.model_dump() if name.endswith("diffrec") else {}
    return rank_with(name, split, nothing, np.ones(1, np.float32), stage, systems={name: values})


def test_weights_grow_with_time_or_with_position():
    domain = small_domain([[3, 1, 0, 2]], times=[[0, 90, 95, 100]], n_items=5)
    starts, stops = domain.offsets[:-1], domain.offsets[1:]
    time = item_weights(domain, starts, stops, "time", SETTINGS).toarray()[0]
    assert time == pytest.approx([0.2 + 0.95 * 0.8, 0.2 + 0.9 * 0.8, 1.0, 0.2, 0.0])
    place = item_weights(domain, starts, stops, "position", SETTINGS).toarray()[0]
    assert place == pytest.approx([0.2 + 0.8 * 2 / 3, 0.2 + 0.8 / 3, 1.0, 0.2, 0.0])


def test_where_times_are_an_order_both_are_the_same():
    domain = small_domain([[3, 1, 0, 2]], times=[[0, 90, 95, 100]], n_items=5, kind=TimeKind.ORDER)
    starts, stops = domain.offsets[:-1], domain.offsets[1:]
    both = [item_weights(domain, starts, stops, how, SETTINGS).toarray() for how in ("time", "position")]
    np.testing.assert_array_equal(*both)


def test_the_score_is_the_diffused_history_before_each_target():
    domain = small_domain(random_histories(np.random.default_rng(0), 30, 12, 4, 8), n_items=12)
    split = leave_one_out(domain)
    rows = torch.arange(30)
    model = train_diffrec(split, "time", SETTINGS, 0, Runtime())
    for stage in ("validation", "test"):
        scores = scores_of("ti-diffrec", split, stage)(rows)
        stops = targets_of(split, stage).stops
        history = item_weights(domain, domain.offsets[:-1], stops, "time", SETTINGS).toarray()
        by_hand = reverse_literal(model.denoiser.eval(), model.schedule, torch.from_numpy(history))
        assert torch.allclose(scores, by_hand, atol=1e-4)


def test_it_learns_which_items_go_together_and_never_reads_what_is_held_out():
    generator = np.random.default_rng(1)
    histories = [(generator.permutation(6)[:5] + 6 * (user % 2)).tolist() for user in range(80)]
    split = leave_one_out(small_domain(histories, n_items=12))
    scores = scores_of("t-diffrec", split)(torch.arange(80)).numpy()
    own = np.array([scores[user, 6 * (user % 2) : 6 * (user % 2) + 6].mean() for user in range(80)])
    other = np.array([scores[user, 6 - 6 * (user % 2) : 12 - 6 * (user % 2)].mean() for user in range(80)])
    assert (own > other + 0.1).mean() > 0.95
    swapped = [[*history[:-2], history[-1], history[-2]] for history in histories]
    again = leave_one_out(small_domain(swapped, n_items=12))
    ours, theirs = (train_diffrec(one, "position", SETTINGS, 0, Runtime()).state_dict() for one in (split, again))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_without_training_users_all_items_are_alike():
    domain = small_domain(random_histories(np.random.default_rng(0), 20, 8, 4, 6), n_items=8)
    scores = scores_of("ti-diffrec", fewer_users(leave_one_out(domain), 0.0, 0))
    assert torch.equal(scores(torch.arange(3)), torch.zeros(3, 8))


def test_without_users_to_learn_from_all_items_are_alike():
    """In a temporal split, training users may have nothing before validation begins."""
    domain = small_domain([[0, 1, 2], [3, 4, 5], [1, 2, 3, 4]], times=[[10, 20, 30], [10, 20, 30], [1, 10, 20, 30]])
    scores = scores_of("t-diffrec", temporal(domain, (5, 25)))
    assert torch.equal(scores(torch.arange(1)), torch.zeros(1, 6))


def test_scores_are_not_rounded(monkeypatch):
    """Interests of many users and items are kept in half precision; as scores of items they would tie."""

    def large(hidden, readout, bias, budget):
        return DiffusedInterests(hidden, readout, bias, min(budget, len(hidden) * len(readout) * 2))

    domain = small_domain(random_histories(np.random.default_rng(0), 30, 12, 4, 8), n_items=12)
    kept = scores_of("ti-diffrec", leave_one_out(domain))(torch.arange(30))
    monkeypatch.setattr("transfer.diffusion.s2idm.DiffusedInterests", large)
    assert torch.equal(scores_of("ti-diffrec", leave_one_out(domain))(torch.arange(30)), kept)
    assert not torch.equal(kept, kept.half().float())


def test_scores_may_be_written_to():
    """Ranking overwrites scores of what was seen: a second look must not find that."""
    domain = small_domain(random_histories(np.random.default_rng(0), 20, 8, 4, 6), n_items=8)
    scores = scores_of("ti-diffrec", leave_one_out(domain))
    first = scores(torch.arange(3))
    kept = first.clone()
    first.fill_(-torch.inf)
    assert torch.equal(scores(torch.arange(3)), kept)


def test_s2idm_matching_ranks_by_anchors_under_diffused_interests():
    domain = small_domain([[0, 1, 2, 3], [3, 2, 1, 0]], n_items=4)
    anchors = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
    split = leave_one_out(domain)
    torch.manual_seed(0)
    model = S2IDM(3, S2IDMSettings(hidden=8, steps=4))
    weights = InterestSettings(w_min=1.0, w_max=1.0)
    idf = np.array([1.0, 2.0, 3.0], np.float32)
    ranker = rank_with("s2idm-matching", split, csr_matrix(anchors), idf, source=SourceKnowledge(model, weights))
    found = ranker(torch.arange(2)).numpy()
    raw = np.array([[2, 1, 1], [1, 1, 1]], np.float32)
    diffused = reverse_literal(model.denoiser.eval(), model.schedule, torch.from_numpy(raw)).numpy()
    idf = np.array([1.0, 2.0, 3.0])
    items = anchors * idf
    lengths = np.linalg.norm(items, axis=1, keepdims=True)
    items = np.divide(items, lengths, out=np.zeros_like(items), where=lengths > 0)
    np.testing.assert_allclose(found, (diffused * idf) @ items.T, atol=1e-4)
    assert (found[:, 3] == 0).all(), "an item without anchors"


def test_s2idm_matching_needs_a_source():
    domain = small_domain([[0, 1, 2]], n_items=3)
    with refusal("no-source", "variants"):
        scores_of("s2idm-matching", leave_one_out(domain))
