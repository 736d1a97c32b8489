"""The noise schedule against the formulas of DDPM, one step at a time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY

from transfer.diffusion.reverse import Schedule
from transfer.diffusion.settings import S2IDMSettings


def literal_betas(steps, scale, low, high):
    """1 - alpha_bar_t is linear, beta_t = min(1 - alpha_bar_t / alpha_bar_(t - 1), 0.999), beta_1 = 1e-5."""
    share = [0.0 if steps == 1 else step / (steps - 1) for step in range(steps)]
    alpha_bar = [1 - (scale * low + (scale * high - scale * low) * part) for part in share]
    later = [min(1 - now / before, 0.999) for before, now in pairwise(alpha_bar)]
    return [1e-5, *later]


def literal_rows(betas):
    """alpha_bar, SNR, g, c1 and c2 of each step, from the variances alone."""
    rows, product, last_snr = [], 1.0, None
    for beta in betas:
        before, product = product, product * (1 - beta)
        snr = product / (1 - product)
        weight = 1.0 if last_snr is None else last_snr - snr
        c1 = math.sqrt(before) * beta / (1 - product)
        c2 = math.sqrt(1 - beta) * (1 - before) / (1 - product)
        rows.append((product, before, snr, weight, c1, c2))
        last_snr = snr
    return np.array(rows)


noise = st.tuples(
    st.integers(1, 60), st.floats(0.001, 1.0), st.floats(0.0001, 0.5), st.floats(1.0, 1.9), st.integers(0, 2**31)
)


@PROPERTY
@given(noise)
def test_every_quantity_equals_the_loop(drawn):
    steps, scale, low, factor, _ = drawn
    settings = S2IDMSettings(steps=steps, noise_scale=scale, noise_min=low, noise_max=low * factor)
    schedule = Schedule.linear_variance(settings)
    betas = literal_betas(steps, scale, low, low * factor)
    rows = literal_rows(betas)
    assert schedule.steps == steps
    np.testing.assert_allclose(schedule.betas, betas, rtol=1e-12)
    for column, name in enumerate(("alpha_bar", "alpha_bar_before", "snr", "loss_weight", "to_x0", "to_xt")):
        np.testing.assert_allclose(getattr(schedule, name), rows[:, column], rtol=1e-7, atol=1e-300, err_msg=name)


def test_the_first_step_is_fixed_and_returns_the_prediction_alone():
    schedule = Schedule.linear_variance(S2IDMSettings(noise_scale=0.7))
    assert schedule.betas[0] == 1e-5
    assert schedule.alpha_bar_before[0] == 1.0
    assert schedule.loss_weight[0] == 1.0
    assert schedule.to_xt[0] == 0.0
    assert schedule.to_x0[0] == pytest.approx(1.0, rel=1e-9)


def test_no_beta_exceeds_the_cap():
    schedule = Schedule.linear_variance(S2IDMSettings(steps=2, noise_scale=1, noise_min=0.001, noise_max=0.99999))
    assert schedule.betas.tolist() == [1e-5, 0.999]


def test_the_papers_defaults():
    schedule = Schedule.linear_variance(S2IDMSettings())
    assert schedule.steps == 10
    wanted = 1 - np.linspace(0.1 * 0.0005, 0.1 * 0.005, 10)
    # The fixed first beta shifts the whole product by a constant factor.
    np.testing.assert_allclose(schedule.alpha_bar / schedule.alpha_bar[0], wanted / wanted[0], rtol=1e-12)


@PROPERTY
@given(st.lists(st.floats(1e-4, 0.9), min_size=2, max_size=12), st.floats(-2, 2), st.floats(-2, 2))
def test_the_posterior_mean_is_the_conditional_expectation(betas, start, noisy):
    """E[x_(t-1) | x_t, x_0] of two jointly Gaussian variables, without the closed form of DDPM."""
    schedule = Schedule.from_betas(np.array(betas))
    for step in range(1, len(betas)):
        before, alpha = schedule.alpha_bar_before[step], 1 - betas[step]
        mean, variance = math.sqrt(before) * start, 1 - before
        gain = variance * math.sqrt(alpha) / (alpha * variance + betas[step])
        expected = mean + gain * (noisy - math.sqrt(alpha) * mean)
        ours = schedule.to_x0[step] * start + schedule.to_xt[step] * noisy
        assert ours == pytest.approx(expected, rel=1e-9, abs=1e-9)
