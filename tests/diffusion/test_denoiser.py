"""The denoiser, the training loss and the step sampler of S2IDM, against row-by-row arithmetic."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
import torch
from diffusion_by_hand import denoise, seeded_s2idm
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY

from transfer.diffusion.denoiser import Denoiser, timestep_features
from transfer.diffusion.s2idm_training import HISTORY, UNIFORM, StepSampler


@pytest.mark.parametrize("size", [2, 5, 10])
def test_timestep_features_are_cosines_then_sines(size):
    features = timestep_features(torch.tensor([0, 3, 9]), size).numpy()
    half = size // 2
    for row, step in enumerate((0, 3, 9)):
        angles = [step * 10000 ** (-i / half) for i in range(half)]
        expected = [*np.cos(angles), *np.sin(angles), *([0.0] if size % 2 else [])]
        np.testing.assert_allclose(features[row], expected, atol=1e-6)


@pytest.mark.parametrize("embedding", [2, 5, 10])
def test_forward_equals_the_formula(embedding):
    model = seeded_s2idm(7, hidden=5, time_embedding=embedding)
    noisy = torch.randn(4, 7, generator=torch.Generator().manual_seed(1))
    steps = torch.tensor([0, 1, 8, 9])
    ours = model.denoiser.eval()(noisy, steps).detach().numpy()
    expected = [denoise(model.denoiser, noisy[row].numpy(), int(steps[row])) for row in range(4)]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_dropout_hides_anchors_in_training_only():
    torch.manual_seed(0)
    denoiser = Denoiser(200, 3, 4, dropout=0.5)
    with torch.no_grad():
        denoiser.inner.weight.zero_()
        denoiser.inner.bias.zero_()
        denoiser.time.weight.zero_()
        denoiser.time.bias.zero_()
        denoiser.inner.weight[0, :200] = 1e-4
        denoiser.outer.weight.fill_(1.0)
        denoiser.outer.bias.zero_()
    ones, step = torch.ones(1, 200), torch.zeros(1, dtype=torch.int64)
    with torch.no_grad():
        whole = float(torch.atanh(denoiser.eval()(ones, step)[0, 0]) / 1e-4)
        shown = float(torch.atanh(denoiser.train()(ones, step)[0, 0]) / 1e-4)
    assert whole == pytest.approx(200, rel=1e-3)
    # What stays is doubled: an even number of about the same size.
    assert shown != pytest.approx(200, rel=1e-3)
    assert 120 < shown < 280
    assert shown / 2 == pytest.approx(round(shown / 2), abs=0.05)


def test_initialisation():
    torch.manual_seed(0)
    denoiser = Denoiser(400, 600, 10, dropout=0.5)
    for layer, fans in ((denoiser.inner, 410 + 600), (denoiser.outer, 600 + 400)):
        assert float(layer.weight.detach().std()) == pytest.approx((2 / fans) ** 0.5, rel=0.02)
        assert float(layer.weight.detach().mean()) == pytest.approx(0, abs=1e-3)
        assert float(layer.bias.detach().std()) == pytest.approx(0.001, rel=0.15)


def test_loss_equals_the_formula_row_by_row():
    model = seeded_s2idm(6, hidden=4, noise_scale=0.9, noise_min=0.1, noise_max=0.8)
    generator = torch.Generator().manual_seed(3)
    inputs, targets, noise = (torch.randn(10, 6, generator=generator) for _ in range(3))
    steps = torch.arange(10)
    ours = model.loss(inputs, targets, steps, noise).detach().numpy()
    schedule = model.schedule
    for row in range(10):
        bar = schedule.alpha_bar[row]
        noisy = np.sqrt(bar) * inputs[row].numpy() + np.sqrt(1 - bar) * noise[row].numpy()
        error = denoise(model.denoiser, noisy, row) - targets[row].numpy()
        before = schedule.alpha_bar_before[row]
        gain = 1.0 if row == 0 else before / (1 - before) - bar / (1 - bar)
        assert ours[row] == pytest.approx(gain * np.mean(error**2), rel=1e-3)


class NaiveSampler:
    """A deque a step."""

    def __init__(self, steps, history, uniform):
        self.uniform = uniform
        self.memory = [deque(maxlen=history) for _ in range(steps)]

    def update(self, steps, losses):
        for step, loss in zip(steps, losses, strict=True):
            self.memory[step].append(loss)

    def probabilities(self):
        count = len(self.memory)
        full = all(len(memory) == memory.maxlen for memory in self.memory)
        size = [np.sqrt(np.mean(np.square(memory))) if memory else 0.0 for memory in self.memory]
        if not full or sum(size) == 0:
            return [1 / count] * count
        return [(1 - self.uniform) * part / sum(size) + self.uniform / count for part in size]


batch = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100, width=32)), max_size=14)


@PROPERTY
@given(st.lists(batch, max_size=8), st.integers(1, 5), st.sampled_from([0.0, 0.001, 0.3, 1.0]))
def test_sampler_remembers_the_last_losses_of_each_step(batches, history, uniform):
    sampler = StepSampler(4, history, uniform, torch.device("cpu"))
    naive = NaiveSampler(4, history, uniform)
    for drawn in batches:
        steps, losses = [step for step, _ in drawn], [loss for _, loss in drawn]
        sampler.update(torch.tensor(steps, dtype=torch.int64), torch.tensor(losses, dtype=torch.float32))
        naive.update(steps, losses)
        np.testing.assert_allclose(sampler.probabilities().numpy(), naive.probabilities(), rtol=1e-12, atol=0)


def test_sampler_is_uniform_until_the_last_step_is_full():
    sampler = StepSampler(2, 3, 0.001, torch.device("cpu"))
    sampler.update(torch.tensor([0] * 50 + [1] * 2), torch.arange(52.0))
    assert sampler.probabilities().tolist() == [0.5, 0.5]
    sampler.update(torch.tensor([1]), torch.tensor([1.0]))
    assert sampler.probabilities()[0] != 0.5


def test_sampler_draws_by_probability_and_says_by_which():
    sampler = StepSampler(3, 1, 0.1, torch.device("cpu"))
    sampler.update(torch.tensor([0, 1, 2]), torch.tensor([1.0, 2.0, 5.0]))
    steps, scaled = sampler.sample(20_000, torch.Generator().manual_seed(0))
    expected = 0.9 * np.array([1, 2, 5]) / 8 + 0.1 / 3
    np.testing.assert_allclose(np.bincount(steps.numpy()) / 20_000, expected, atol=0.015)
    np.testing.assert_allclose(scaled.numpy(), 3 * expected[steps.numpy()], rtol=1e-6)


def test_uniform_sampling_never_focuses():
    sampler = StepSampler(3, 1, 1.0, torch.device("cpu"))
    sampler.update(torch.tensor([0, 1, 2]), torch.tensor([1.0, 2.0, 5.0]))
    np.testing.assert_allclose(sampler.probabilities().numpy(), [1 / 3] * 3)
    assert (UNIFORM, HISTORY) == (0.001, 10)
