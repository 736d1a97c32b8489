"""The denoiser x_theta(s_t, t): one hidden tanh layer over the anchors and the step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.dropout import dropout

MAX_PERIOD = 10_000.0


def timestep_features(steps: Tensor, size: int) -> Tensor:
    """Sinusoidal features of diffusion steps.

    Args:
        steps: (B,) integers.
        size: number of features; if odd, the last one is zero.

    Returns:
        (B, size) float32, cosines first.
    """
    half = size // 2
    frequencies = torch.exp(-math.log(MAX_PERIOD) * torch.arange(half, dtype=torch.float32, device=steps.device) / half)
    angles = steps[:, None].float() * frequencies[None]
    return F.pad(torch.cat([angles.cos(), angles.sin()], dim=-1), (0, size % 2))


class Denoiser(nn.Module):
    """x_theta(s_t, t) = W_out tanh(W_in s_t + b_t) + b_out; b_t depends on the step only.

    It is affine outside the tanh, so that `transfer.diffusion.reverse` can run in hidden space.

    Args:
        anchors: number of anchors q.
        hidden: width h.
        time_embedding: size of the timestep embedding.
        dropout: on s_t, in training only.
    """

    def __init__(self, anchors: int, hidden: int, time_embedding: int, dropout: float) -> None:
        super().__init__()
        self.anchors = anchors
        self.dropout = dropout
        self.time = nn.Linear(time_embedding, time_embedding)
        self.inner = nn.Linear(anchors + time_embedding, hidden)
        self.outer = nn.Linear(hidden, anchors)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights N(0, sqrt(2 / (fan_in + fan_out))), biases N(0, 0.001)."""
        for layer in (self.time, self.inner, self.outer):
            fan_out, fan_in = layer.weight.shape
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2.0 / (fan_in + fan_out)))
            nn.init.normal_(layer.bias, 0.0, 0.001)

    @property
    def anchor_weight(self) -> Tensor:
        """W_in, (h, q): the columns of the first layer that read the anchors."""
        return self.inner.weight[:, : self.anchors]

    def step_bias(self, steps: Tensor) -> Tensor:
        """Bias b_t of the first layer for each step, (B, h)."""
        embedded = self.time(timestep_features(steps, self.time.in_features))
        return F.linear(embedded, self.inner.weight[:, self.anchors :], self.inner.bias)

    def forward(self, noisy: Tensor, steps: Tensor) -> Tensor:
        """Predict x_0.

        Args:
            noisy: (B, q) interests s_t.
            steps: (B,) integers in [0, T).

        Returns:
            (B, q).
        """
        noisy = dropout(noisy, self.dropout, self.training)
        # One layer over [noisy, embedded step] would also compute the gradient of the interests.
        hidden = torch.tanh(torch.addmm(self.step_bias(steps), noisy, self.anchor_weight.t()))
        predicted: Tensor = self.outer(hidden)
        return predicted
