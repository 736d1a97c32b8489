"""Training losses against the formulas, one position at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY

from transfer.training import losses


def drawn(n, m, d, seed=0, own=True):
    generator = torch.Generator().manual_seed(seed)
    shape = (n, m, d) if own else (m, d)
    return tuple(torch.randn(*s, generator=generator) for s in ((n, d), (n, d), shape))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


sizes = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 100))


@PROPERTY
@given(sizes)
def test_bce(size):
    states, positives, negatives = drawn(*size)
    ours = losses.bce(states, positives, negatives)
    for row, (s, p) in enumerate(zip(states, positives, strict=True)):
        against = [math.log(1 - sigmoid(float(s @ n))) for n in negatives[row]]
        expected = -math.log(sigmoid(float(s @ p))) - sum(against) / len(against)
        assert float(ours[row]) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@PROPERTY
@given(sizes, st.sampled_from([0.0, 0.3, 0.75, 1.0]), st.integers(6, 1000))
def test_gbce(size, calibration, n_items):
    states, positives, negatives = drawn(*size)
    ours = losses.gbce(states, positives, negatives, n_items, calibration)
    alpha = size[1] / (n_items - 1)
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    for row, (s, p) in enumerate(zip(states, positives, strict=True)):
        against = sum(math.log(1 - sigmoid(float(s @ n))) for n in negatives[row])
        expected = -(math.log(sigmoid(float(s @ p)) ** beta) + against)
        assert float(ours[row]) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_gbce_ends_in_bce_and_in_the_sampling_rate():
    states, positives, negatives = drawn(4, 3, 5)
    positive = torch.nn.functional.softplus(-(states * positives).sum(-1))
    plain = losses.bce(states, positives, negatives)
    rest = plain - positive
    torch.testing.assert_close(losses.gbce(states, positives, negatives, 31, 0.0), positive + 3 * rest)
    torch.testing.assert_close(losses.gbce(states, positives, negatives, 31, 1.0), 0.1 * positive + 3 * rest)


@PROPERTY
@given(sizes, st.data())
def test_sampled_softmax_leaves_accidental_hits_out(size, data):
    states, positives, negatives = drawn(*size, own=False)
    n, m = size[0], size[1]
    positive_ids = data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    negative_ids = data.draw(st.lists(st.integers(0, 4), min_size=m, max_size=m))
    ours = losses.sampled_softmax(states, positives, negatives, torch.tensor(positive_ids), torch.tensor(negative_ids))
    for row in range(n):
        own = math.exp(float(states[row] @ positives[row]))
        others = [
            math.exp(float(states[row] @ negatives[column]))
            for column in range(m)
            if negative_ids[column] != positive_ids[row]
        ]
        assert float(ours[row]) == pytest.approx(-math.log(own / (own + sum(others))), rel=1e-4, abs=1e-5)


def test_only_hits_leave_no_loss_and_no_gradient_of_nan():
    states, positives, negatives = drawn(1, 2, 3, own=False)
    states.requires_grad_()
    loss = losses.sampled_softmax(states, positives, negatives, torch.tensor([7]), torch.tensor([7, 7]))
    loss.sum().backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(states.grad).all()


def test_the_gradients_of_sampled_softmax_are_those_of_the_formula_in_several_blocks():
    rows, columns = 2 * losses.BLOCK_LOGITS // 1000 + 7, 1000
    generator = torch.Generator().manual_seed(3)
    positive_ids, negative_ids = (torch.randint(1500, (count,), generator=generator) for count in (rows, columns))
    scale = torch.rand(rows, generator=generator)
    given = [torch.randn(count, 4, generator=generator) for count in (rows, rows, columns)]
    ours, reference = ([value.clone().requires_grad_() for value in given] for _ in range(2))
    (losses.sampled_softmax(*ours, positive_ids, negative_ids) * scale).sum().backward()
    states, positives, negatives = reference
    logits = (states @ negatives.t()).masked_fill(negative_ids[None] == positive_ids[:, None], -math.inf)
    positive = (states * positives).sum(1, keepdim=True)
    loss = torch.logsumexp(torch.cat([positive, logits], dim=1), dim=1) - positive[:, 0]
    (loss * scale).sum().backward()
    for mine, theirs in zip(ours, reference, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-5)


@PROPERTY
@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 300), st.integers(0, 50))
def test_softmax_in_blocks_equals_the_formula_and_its_gradient(rows, items, budget, seed):
    generator = torch.Generator().manual_seed(seed)
    states, table = torch.randn(rows, 3, generator=generator), torch.randn(items, 3, generator=generator)
    ids = torch.randint(items, (rows,), generator=generator)
    scale = torch.rand(rows, generator=generator)
    ours = [value.clone().requires_grad_() for value in (states, table)]
    loss = losses.softmax(*ours, ids, budget)
    (loss * scale).sum().backward()
    logits = (states @ table.t()).double().numpy()
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    picked = np.eye(items)[ids.numpy()]
    np.testing.assert_allclose(loss.detach().numpy(), -np.log((share * picked).sum(1)), rtol=1e-4, atol=1e-5)
    upstream = (share - picked) * scale.numpy()[:, None]
    np.testing.assert_allclose(ours[0].grad.numpy(), upstream @ table.numpy(), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(ours[1].grad.numpy(), upstream.T @ states.numpy(), rtol=1e-3, atol=1e-5)


def test_softmax_blocks_stay_in_their_budget(monkeypatch):
    seen = []
    whole = losses.F.cross_entropy

    def watched(logits, *args, **kwargs):
        seen.append(logits.shape[0])
        return whole(logits, *args, **kwargs)

    monkeypatch.setattr(losses.F, "cross_entropy", watched)
    losses.softmax(torch.randn(10, 3), torch.randn(6, 3), torch.zeros(10, dtype=torch.int64), 4 * 6 * 4)
    assert seen == [4, 4, 2]


@pytest.mark.parametrize("loss", [losses.bce, lambda *parts: losses.gbce(*parts, n_items=50, calibration=0.7)])
def test_half_precision_ends_before_the_loss(loss):
    """Positive and negative logits have the same precision, or their difference would be rounding."""
    parts = drawn(20, 4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = loss(*parts)
    assert torch.equal(rounded, loss(*parts))
