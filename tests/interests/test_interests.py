"""Interest weighting against a loop over users, and the forms in which interests are handed to prompts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from transfer_cases import PROPERTY, small_domain

from domains.domain import TimeKind
from transfer.interests.forms import NoInterests, PermutedInterests, RawInterests
from transfer.interests.original import interaction_weights, original_interests
from transfer.interests.settings import InterestSettings
from transfer.sparse import SparseRows

ANCHORS = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 1, 0]], dtype=np.float32)
IDF = np.array([1.0, 2.0, 0.5, 3.0], dtype=np.float32)


def naive(histories, times, kind, w_min, w_max, transform):
    """s'_0, user by user and sememe by sememe."""
    rows = []
    for items, moments in zip(histories, times, strict=True):
        clock = list(range(len(items))) if kind is TimeKind.ORDER else moments
        interest = np.zeros(ANCHORS.shape[1])
        for item, moment in zip(items, clock, strict=True):
            span = clock[-1] - clock[0]
            weight = w_max if span == 0 else w_min + (moment - clock[0]) / span * (w_max - w_min)
            for anchor in np.flatnonzero(ANCHORS[item]):
                interest[anchor] += weight
        if transform == "idf":
            interest = interest * IDF
        if transform == "unit" and np.linalg.norm(interest):
            interest = interest / np.linalg.norm(interest)
        rows.append(interest)
    return np.array(rows)


moments = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**10)), min_size=0, max_size=6)
weights = st.tuples(st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.3, 0.5, 1.0]))


@PROPERTY
@given(
    st.lists(moments, min_size=1, max_size=5),
    st.sampled_from(list(TimeKind)),
    weights,
    st.sampled_from(["none", "idf", "unit"]),
)
def test_interests_equal_the_loop(drawn, kind, bounds, transform):
    histories = [[item for item, _ in user] for user in drawn]
    times = [sorted(moment for _, moment in user) for user in drawn]
    domain = small_domain(histories, times, n_items=5, kind=kind, repeats=True)
    settings = InterestSettings(w_min=bounds[0], w_max=bounds[1], transform=transform)
    ours = original_interests(domain, csr_matrix(ANCHORS), domain.offsets[:-1], domain.offsets[1:], settings, IDF)
    assert ours.dtype == np.float32
    assert ours.shape == (len(drawn), 4)
    np.testing.assert_allclose(ours.toarray(), naive(histories, times, kind, *bounds, transform), rtol=1e-5, atol=1e-7)


@PROPERTY
@given(st.lists(moments, min_size=1, max_size=5), st.data())
def test_a_span_counts_as_if_nothing_else_had_happened(drawn, data):
    histories = [[item for item, _ in user] for user in drawn]
    times = [sorted(moment for _, moment in user) for user in drawn]
    domain = small_domain(histories, times, n_items=5, repeats=True)
    cuts = [sorted(data.draw(st.tuples(st.integers(0, len(user)), st.integers(0, len(user))))) for user in drawn]
    first = domain.offsets[:-1] + np.array([low for low, _ in cuts])
    last = domain.offsets[:-1] + np.array([high for _, high in cuts])
    ours = original_interests(domain, csr_matrix(ANCHORS), first, last, InterestSettings())
    inside = [user[low:high] for user, (low, high) in zip(histories, cuts, strict=True)]
    when = [user[low:high] for user, (low, high) in zip(times, cuts, strict=True)]
    expected = naive(inside, when, TimeKind.TIMESTAMP, 0.1, 0.5, "none")
    np.testing.assert_allclose(ours.toarray(), expected, rtol=1e-5, atol=1e-7)


def test_weights_by_hand():
    histories, times = [[0, 1, 3], [0, 1], [3], []], [[100, 150, 300], [7, 7], [5], []]
    domain = small_domain(histories, times, n_items=5)
    rows, positions, w = interaction_weights(domain, domain.offsets[:-1], domain.offsets[1:], InterestSettings())
    assert rows.tolist() == [0, 0, 0, 1, 1, 2]
    assert positions.tolist() == list(range(6))
    np.testing.assert_allclose(w, [0.1, 0.2, 0.5, 0.5, 0.5, 0.5], rtol=1e-6)


def test_an_order_is_weighted_by_position():
    times = [[100, 150, 300], [7, 7]]
    domain = small_domain([[0, 1, 3], [0, 1]], times, n_items=5, kind=TimeKind.ORDER)
    _, _, w = interaction_weights(domain, domain.offsets[:-1], domain.offsets[1:], InterestSettings())
    np.testing.assert_allclose(w, [0.1, 0.3, 0.5, 0.1, 0.5], rtol=1e-6)


def test_items_that_share_a_sememe_add_up():
    domain = small_domain([[0, 1, 3]], [[0, 1, 2]], n_items=5)
    interests = original_interests(
        domain, csr_matrix(ANCHORS), domain.offsets[:-1], domain.offsets[1:], InterestSettings()
    ).toarray()[0]
    np.testing.assert_allclose(interests, [0.1 + 0.3, 0.3 + 0.5, 0.5, 0.1 + 0.5], rtol=1e-6)


def test_idf_must_be_given_where_it_is_used():
    domain = small_domain([[0]])
    with pytest.raises(ValueError, match="idf"):
        original_interests(
            domain, csr_matrix(ANCHORS[:1]), domain.offsets[:-1], domain.offsets[1:], InterestSettings(transform="idf")
        )


def matrix(seed=0):
    found = random_sparse(7, 9, 0.3, format="lil", random_state=seed)
    found[2] = 0
    return found.tocsr().astype(np.float32)


def test_raw_interests_give_rows_and_projections():
    whole, users = matrix(), torch.tensor([6, 2, 2, 0])
    raw = RawInterests(whole)
    assert raw.width == 9
    np.testing.assert_array_equal(raw.rows(users).numpy(), whole.toarray()[users.numpy()])
    weight = torch.randn(4, 9, generator=torch.Generator().manual_seed(0)).requires_grad_()
    projected = raw.project(users, weight)
    projected.sum().backward()
    torch.testing.assert_close(projected, raw.rows(users) @ weight.t())
    torch.testing.assert_close(weight.grad, raw.rows(users).sum(0).expand(4, 9))


def test_no_interests_are_zeros_and_keep_weights_on_the_graph():
    weight = torch.ones(4, 9, requires_grad=True)
    nothing = NoInterests(9)
    assert nothing.rows(torch.arange(3)).tolist() == [[0.0] * 9] * 3
    projected = nothing.project(torch.arange(3), weight)
    assert projected.tolist() == [[0.0] * 4] * 3
    projected.sum().backward()
    assert weight.grad.abs().sum() == 0


def test_permuted_interests_are_those_of_the_named_users():
    raw, order = RawInterests(matrix()), torch.tensor([3, 0, 1, 2, 6, 4, 5])
    shuffled, users, weight = PermutedInterests(raw, order), torch.tensor([0, 4, 4]), torch.arange(18.0).view(2, 9)
    assert shuffled.width == 9
    assert torch.equal(shuffled.rows(users), raw.rows(torch.tensor([3, 6, 6])))
    torch.testing.assert_close(shuffled.project(users, weight), raw.rows(torch.tensor([3, 6, 6])) @ weight.t())


@PROPERTY
@given(st.integers(0, 100), st.lists(st.integers(0, 6), max_size=8))
def test_sparse_rows_equal_slicing(seed, chosen):
    whole = matrix(seed)
    rows = SparseRows.from_csr(whole).take(torch.tensor(chosen, dtype=torch.int64))
    np.testing.assert_array_equal(rows.dense().numpy(), whole.toarray()[chosen])
    assert rows.lengths.tolist() == [whole[row].nnz for row in chosen]
    assert len(SparseRows.from_csr(whole)) == 7
