"""The noise schedule, and the reverse process on hidden pre-activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from transfer.diffusion.denoiser import Denoiser
from transfer.diffusion.settings import S2IDMSettings

Floats = npt.NDArray[np.float64]

FIRST_BETA = 1e-5
"""Fixed value of beta_1 for every schedule."""
LARGEST_BETA = 0.999


@dataclass(frozen=True, eq=False, kw_only=True)
class Schedule:
    """Quantities of the forward process per step; index 0 is the paper's t = 1. All arrays are (T,) float64.

    Attributes:
        betas: variance beta_t added at step t.
        alpha_bar: product of 1 - beta up to and including t.
        alpha_bar_before: the same up to t - 1; 1 at the first step.
        snr: signal-to-noise ratio alpha_bar / (1 - alpha_bar).
        loss_weight: SNR(t - 1) - SNR(t), the g(t) of Eq. 2 without the sampling probability; 1 at the first step.
        to_x0: c1(t), weight of the predicted x_0 in the posterior mean; 1 at the first step.
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
        return cls(
            betas=betas,
            alpha_bar=alpha_bar,
            alpha_bar_before=before,
            snr=snr,
            loss_weight=loss_weight,
            to_x0=to_x0,
            to_xt=to_xt,
        )

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


@torch.no_grad()
def reverse_literal(denoiser: Denoiser, schedule: Schedule, interests: Tensor) -> Tensor:
    """x_{t-1} = c1(t) x_theta(x_t, t) + c2(t) x_t from x_T = s'_0 down to x_0, over the anchors.

    Args:
        denoiser: in evaluation mode.
        schedule: T steps.
        interests: (B, q) dense s'_0.

    Returns:
        (B, q) diffused interests.
    """
    state = interests
    for step in reversed(range(schedule.steps)):
        steps = torch.full((len(state),), step, dtype=torch.int64, device=state.device)
        state = float(schedule.to_x0[step]) * denoiser(state, steps) + float(schedule.to_xt[step]) * state
    return state


class HiddenReverse:
    """The same process on hidden pre-activations z_t = W_in x_t, exact up to rounding.

    From x_{t-1} = c1 (W_out tanh(z_t + b_t) + b_out) + c2 x_t follows
    z_{t-1} = c1 (K tanh(z_t + b_t) + W_in b_out) + c2 z_t with K = W_in W_out. The last step returns the prediction
    alone (c1 = 1, c2 = 0), so x_0 = W_out tanh(z_1 + b_1) + b_out. No step touches the q anchors, so it costs h * h per
    user instead of 2 * q * h.

    Args:
        denoiser: its weights are copied here; without dropout, in either mode.
        schedule: T steps.
    """

    @torch.no_grad()
    def __init__(self, denoiser: Denoiser, schedule: Schedule) -> None:
        self.schedule = schedule
        self.inner = denoiser.anchor_weight.detach()
        self.table = self.inner.t().contiguous()
        self.kernel = self.inner @ denoiser.outer.weight.detach()
        self.offset = self.inner @ denoiser.outer.bias.detach()
        all_steps = torch.arange(schedule.steps, device=self.inner.device)
        self.step_bias = denoiser.step_bias(all_steps).detach()

    @torch.no_grad()
    def from_sparse(self, columns: Tensor, values: Tensor, offsets: Tensor) -> Tensor:
        """Return (B, h) the hidden states tanh(z_1 + b_1) of the last step, from sparse rows of s'_0.

        Args:
            columns: (nnz,) int64 anchors, row by row.
            values: (nnz,) their weights in s'_0.
            offsets: (B,) int64, where each row starts in `columns`.
        """
        state = F.embedding_bag(
            columns, self.table, offsets, mode="sum", per_sample_weights=values.to(self.table.dtype)
        )
        for step in reversed(range(1, self.schedule.steps)):
            to_x0, to_xt = float(self.schedule.to_x0[step]), float(self.schedule.to_xt[step])
            active = torch.tanh(state + self.step_bias[step])
            state = torch.addmm(state * to_xt + to_x0 * self.offset, active, self.kernel.t(), alpha=to_x0)
        return torch.tanh(state + self.step_bias[0])
