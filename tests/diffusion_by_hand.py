"""The diffusion model written out for one user, in float64, from the paper's equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from transfer.diffusion.denoiser import Denoiser
from transfer.diffusion.reverse import Schedule
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings

Floats = npt.NDArray[np.float64]


def seeded_s2idm(anchors: int, seed: int = 0, **settings: Any) -> S2IDM:
    """A model in evaluation mode with weights large enough to leave the linear part of tanh."""
    torch.manual_seed(seed)
    model = S2IDM(anchors, S2IDMSettings(**{"hidden": 16, "dropout": 0.5, **settings})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.7 if parameter.dim() > 1 else 0.4))
    return model


def denoise(denoiser: Denoiser, noisy: Floats, step: int) -> Floats:
    """x_theta(s_t, t) of one user: tanh of a linear layer over anchors and embedded step, then a linear layer."""
    weights = {name: value.detach().double().numpy() for name, value in denoiser.named_parameters()}
    size = len(weights["time.bias"])
    half = size // 2
    angles = [step * 10000.0 ** (-i / half) for i in range(half)]
    features = np.array([*np.cos(angles), *np.sin(angles), *([0.0] if size % 2 else [])])
    embedded = weights["time.weight"] @ features + weights["time.bias"]
    hidden = np.tanh(weights["inner.weight"] @ np.concatenate([noisy, embedded]) + weights["inner.bias"])
    out: Floats = weights["outer.weight"] @ hidden + weights["outer.bias"]
    return out


def reverse(denoiser: Denoiser, schedule: Schedule, interests: Floats) -> Floats:
    """T posterior means in a row for one user, from x_T = s'_0."""
    state = np.asarray(interests, dtype=np.float64)
    for step in reversed(range(len(schedule.betas))):
        predicted = denoise(denoiser, state, step)
        state = schedule.to_x0[step] * predicted + schedule.to_xt[step] * state
    return state
