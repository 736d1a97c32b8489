"""Draw a diffusion step for each training row by importance sampling (Nichol and Dhariwal, 2021)."""

from __future__ import annotations

import torch
from torch import Tensor


class StepSampler:
    """Draws steps with p(t) proportional to the root mean square of the step's last losses.

    It is uniform until every step has a full history, and always mixes in some uniform sampling. Updates have no loop
    over rows or steps.

    Args:
        steps: number of steps T.
        history: number of losses stored per step.
        uniform: share of uniform sampling; 1 is fully uniform.
        device: device of the history.
    """

    def __init__(self, steps: int, history: int, uniform: float, device: torch.device) -> None:
        self.history = history
        self.uniform = uniform
        self.losses = torch.zeros(steps, history, dtype=torch.float64, device=device)
        self.seen = torch.zeros(steps, dtype=torch.int64, device=device)

    def probabilities(self) -> Tensor:
        """p(t), (T,) float64, summing to one."""
        steps = len(self.losses)
        even = torch.full((steps,), 1.0 / steps, dtype=torch.float64, device=self.losses.device)
        root_mean_square = self.losses.square().mean(dim=1).sqrt()
        total = root_mean_square.sum()
        warm = (self.seen >= self.history).all() & (total > 0)
        focused = root_mean_square / total.clamp_min(torch.finfo(torch.float64).tiny)
        mixed = (1.0 - self.uniform) * focused + self.uniform * even
        return torch.where(warm, mixed, even)

    def sample(self, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a step for each row.

        Returns:
            steps (rows,) int64, and T * p(step) (rows,) float32; divide losses by it (1 if uniform).
        """
        probabilities = self.probabilities()
        steps = torch.multinomial(probabilities, rows, replacement=True, generator=generator)
        return steps, (probabilities[steps] * len(probabilities)).float()

    def update(self, steps: Tensor, losses: Tensor) -> None:
        """Store the losses of a batch; each step keeps its last `history` losses.

        Args:
            steps: (B,) int64.
            losses: (B,) weighted losses, before division by the probability.
        """
        order = torch.argsort(steps, stable=True)
        sorted_steps, sorted_losses = steps[order], losses.detach().double()[order]
        counts = torch.bincount(sorted_steps, minlength=len(self.seen))
        first = torch.cumsum(counts, 0) - counts
        rank = torch.arange(len(steps), device=steps.device) - first[sorted_steps]
        recent = rank >= counts[sorted_steps] - self.history
        slot = (self.seen[sorted_steps] + rank) % self.history
        self.losses[sorted_steps[recent], slot[recent]] = sorted_losses[recent]
        self.seen += counts
