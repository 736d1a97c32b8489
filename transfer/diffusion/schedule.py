"""The noise schedule and its closed forms, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transfer.diffusion.settings import S2IDMSettings

Floats = npt.NDArray[np.float64]

FIRST_BETA = 1e-5
"""Fixed value of beta_1 for every schedule."""
LARGEST_BETA = 0.999


@dataclass(frozen=True, eq=False)
class Schedule:
    """Quantities of the forward process per step; index 0 is the paper's t = 1. All arrays are (T,) float64.

    Attributes:
        betas: variance beta_t added at step t.
        alpha_bar: product of 1 - beta up to and including t.
        alpha_bar_before: the same up to t - 1; 1 at the first step.
        snr: signal-to-noise ratio alpha_bar / (1 - alpha_bar).
        loss_weight: SNR(t - 1) - SNR(t), the g(t) of Eq. 2 without the sampling probability; 1 at the first step.
        to_x0: c1(t), weight of the predicted x_0 in the posterior mean.
        to_xt: c2(t), weight of x_t in the posterior mean; 0 at the first step.
    """

    betas: Floats
    alpha_bar: Floats
    alpha_bar_before: Floats
    snr: Floats
    loss_weight: Floats
    to_x0: Floats
    to_xt: Floats

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return len(self.betas)

    def first(self, steps: int) -> Schedule:
        """Return the schedule of the first steps only."""
        return Schedule.from_betas(self.betas[:steps])

    @classmethod
    def from_betas(cls, betas: Floats) -> Schedule:
        """Compute all quantities from the variances beta_t."""
        alpha_bar: Floats = np.cumprod(1.0 - betas, dtype=np.float64)
        before: Floats = np.concatenate([[1.0], alpha_bar[:-1]])
        snr = alpha_bar / (1.0 - alpha_bar)
        loss_weight: Floats = np.concatenate([[1.0], snr[:-1] - snr[1:]])
        to_x0 = betas * np.sqrt(before) / (1.0 - alpha_bar)
        to_xt = (1.0 - before) * np.sqrt(1.0 - betas) / (1.0 - alpha_bar)
        return cls(betas, alpha_bar, before, snr, loss_weight, to_x0, to_xt)

    @classmethod
    def linear_variance(cls, settings: S2IDMSettings) -> Schedule:
        """Make the schedule with 1 - alpha_bar_t linear in t and beta_1 fixed."""
        low = settings.noise_scale * settings.noise_min
        high = settings.noise_scale * settings.noise_max
        alpha_bar: Floats = 1.0 - np.linspace(low, high, settings.steps, dtype=np.float64)
        betas: Floats = 1.0 - alpha_bar / np.concatenate([[1.0], alpha_bar[:-1]])
        np.minimum(betas, LARGEST_BETA, out=betas)
        betas[0] = FIRST_BETA
        return cls.from_betas(betas)
