"""The reverse process: literal and in hidden space, and the compact interests that come out of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusion_by_hand import reverse, seeded_s2idm
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from transfer_cases import PROPERTY

from transfer.diffusion.reverse import HiddenReverse, reverse_literal
from transfer.interests.forms import DiffusedInterests
from transfer.sparse import SparseRows

shapes = st.fixed_dictionaries(
    {
        "anchors": st.integers(1, 24),
        "hidden": st.integers(1, 16),
        "steps": st.integers(1, 12),
        "time_embedding": st.integers(2, 10),
        "noise_scale": st.sampled_from([0.01, 0.1, 0.9]),
        "noise_min": st.sampled_from([0.0005, 0.2]),
        "noise_max": st.sampled_from([0.3, 0.999]),
        "seed": st.integers(0, 1000),
    }
)


def made(drawn, mixed=False):
    """A model, a schedule (with made-up posteriors if `mixed`, but those of the first step) and interests."""
    drawn = dict(drawn)
    anchors, seed = drawn.pop("anchors"), drawn.pop("seed")
    model = seeded_s2idm(anchors, seed, **drawn)
    generator = np.random.default_rng(seed)
    schedule = model.schedule
    if mixed:
        to_x0, to_xt = generator.uniform(0.05, 0.95, (2, schedule.steps))
        to_x0[0], to_xt[0] = 1, 0
        schedule = replace(schedule, to_x0=to_x0, to_xt=to_xt)
    density = generator.uniform(0, 0.6)
    interests = random_sparse(5, anchors, density, format="csr", random_state=generator, dtype=np.float64)
    return model, schedule, interests.astype(np.float32).tocsr()


def formed(denoiser, hidden):
    """x_0 out of its hidden states, in float64."""
    weight, bias = (value.detach().double().numpy() for value in (denoiser.outer.weight, denoiser.outer.bias))
    return hidden.double().numpy() @ weight.T + bias


def hidden_states(denoiser, schedule, interests):
    """The reverse process in hidden space, from sparse rows."""
    rows = SparseRows.from_csr(interests).take(torch.arange(interests.shape[0]))
    return HiddenReverse(denoiser, schedule).from_sparse(rows.columns, rows.values, rows.offsets)


def close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=2e-4 * max(1.0, float(np.abs(expected).max())))


@PROPERTY
@given(shapes, st.booleans())
def test_every_way_equals_the_loop_over_users_and_steps(drawn, mixed):
    model, schedule, interests = made(drawn, mixed)
    dense = interests.toarray()
    expected = np.array([reverse(model.denoiser, schedule, row) for row in dense])
    close(reverse_literal(model.denoiser, schedule, torch.from_numpy(dense)).numpy(), expected)
    close(formed(model.denoiser, hidden_states(model.denoiser, schedule, interests)), expected)


@PROPERTY
@given(shapes, st.integers(1, 6))
def test_diffuse_equals_the_loop_whatever_the_form(drawn, batch_size):
    model, schedule, interests = made(drawn)
    expected = np.array([reverse(model.denoiser, schedule, row) for row in interests.toarray()])
    users = torch.tensor([3, 0, 0, 4])
    for budget in (0, 1 << 20):
        ours = model.diffuse(interests, batch_size=batch_size, dense_budget=budget)
        assert (ours.dense is None) == (budget == 0)
        assert ours.width == interests.shape[1]
        close(ours.rows(users).numpy(), expected[users.numpy()])


@PROPERTY
@given(shapes, st.integers(1, 9), st.booleans())
def test_projection_equals_rows_times_weight_in_value_and_gradient(drawn, width, fits):
    model, schedule, interests = made(drawn)
    hidden, outer = hidden_states(model.denoiser, schedule, interests), model.denoiser.outer
    ours = DiffusedInterests(hidden, outer.weight.detach(), outer.bias.detach(), dense_budget=1 << 20 if fits else 0)
    users = torch.tensor([4, 1, 1, 0])
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(width, ours.width, generator=generator).requires_grad_()
    grad = torch.randn(4, width, generator=generator)
    projected = ours.project(users, weight)
    projected.backward(grad)
    rows = torch.from_numpy(formed(model.denoiser, hidden)).float()[users]
    close(projected.detach().numpy(), (rows @ weight.detach().t()).numpy())
    close(weight.grad.numpy(), (grad.t() @ rows).numpy())


def test_half_precision_is_stored_where_single_does_not_fit():
    model, users = seeded_s2idm(12), torch.tensor([4, 1, 1, 0])
    interests = random_sparse(9, 12, 0.3, format="csr", random_state=1).astype(np.float32)
    exact = model.diffuse(interests, dense_budget=9 * 12 * 4)
    half = model.diffuse(interests, dense_budget=9 * 12 * 4 - 1)
    none = model.diffuse(interests, dense_budget=9 * 12 * 2 - 1)
    assert (exact.dense.dtype, half.dense.dtype, none.dense) == (torch.float32, torch.float16, None)
    assert half.rows(users).numpy() == pytest.approx(exact.rows(users).numpy(), rel=1e-3, abs=1e-4)
    weight = torch.ones(2, 12)
    assert half.project(users, weight).dtype == torch.float32
    assert half.project(users, weight).numpy() == pytest.approx(exact.project(users, weight).numpy(), abs=2e-3)


def test_diffusion_has_no_dropout_no_noise_and_leaves_the_mode_as_it_was():
    model = seeded_s2idm(12).train()
    interests = random_sparse(9, 12, 0.3, format="csr", random_state=1).astype(np.float32)
    first, second = (model.diffuse(interests).rows(torch.arange(9)) for _ in range(2))
    assert torch.equal(first, second)
    assert model.training
    assert not model.eval().diffuse(interests).dense.requires_grad
    assert not model.training


def test_a_user_without_anchors_is_diffused_from_zero():
    model = seeded_s2idm(6)
    ours = model.diffuse(csr_matrix((3, 6), dtype=np.float32)).rows(torch.arange(3))
    expected = reverse(model.denoiser, model.schedule, np.zeros(6))
    close(ours.numpy(), np.tile(expected, (3, 1)))
