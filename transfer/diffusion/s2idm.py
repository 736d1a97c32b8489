"""`S2IDM`: turns original interests into generalised interests. Holds settings, schedule and denoiser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from domains.disk import reserve
from transfer.diffusion.denoiser import Denoiser
from transfer.diffusion.reverse import HiddenReverse, Schedule
from transfer.diffusion.settings import S2IDMSettings
from transfer.interests.forms import DiffusedInterests, Interests
from transfer.sparse import SparseRows


class S2IDM(nn.Module):
    """Sememe-to-Interest Diffusion Model over q anchors (Section 3.3).

    Args:
        anchors: number of anchors q.
        settings: schedule and denoiser.
    """

    def __init__(self, anchors: int, settings: S2IDMSettings) -> None:
        super().__init__()
        self.settings = settings
        self.schedule = Schedule.linear_variance(settings)
        self.denoiser = Denoiser(anchors, settings.hidden, settings.time_embedding, settings.dropout)

    @property
    def anchors(self) -> int:
        """Number of anchors q."""
        return self.denoiser.anchors

    def loss(self, inputs: Tensor, targets: Tensor, steps: Tensor, noise: Tensor) -> Tensor:
        """g(t) || x_0 - x_theta(s_t, t) ||^2 / q per row, before division by the sampling probability (Eq. 2).

        Args:
            inputs: (B, q) s'_0.
            targets: (B, q) x_0.
            steps: (B,) int64.
            noise: (B, q) standard normal.

        Returns:
            (B,) float32.
        """
        schedule = self.schedule
        keep = torch.as_tensor(np.sqrt(schedule.alpha_bar), dtype=inputs.dtype, device=inputs.device)[steps]
        add = torch.as_tensor(np.sqrt(1 - schedule.alpha_bar), dtype=inputs.dtype, device=inputs.device)[steps]
        weight = torch.as_tensor(schedule.loss_weight, dtype=inputs.dtype, device=inputs.device)[steps]
        noisy = torch.addcmul(keep[:, None] * inputs, add[:, None], noise)
        losses: Tensor = weight * (self.denoiser(noisy, steps) - targets).square().mean(dim=1)
        return losses

    @torch.no_grad()
    def diffuse(
        self,
        interests: csr_matrix,
        *,
        batch_size: int = 2048,
        dense_budget: int = 1 << 30,
        scratch: Path | None = None,
        done: Callable[[int], None] = lambda _: None,
    ) -> Interests:
        """Generalise s'_0 by the reverse process, without forward noise (Section 3.3, Diffusion Inference).

        With `objective: next` it takes one step: T steps would look T times as far ahead.

        Args:
            interests: (U, q) s'_0.
            batch_size: users per batch; limits the working memory.
            dense_budget: bytes up to which x_0 of all users is stored, and hidden states stay in memory.
            scratch: folder for a memory-mapped file of larger hidden states.
            done: called with the number of users after each batch.
        """
        device = self.denoiser.outer.weight.device
        matrix = SparseRows.from_csr(interests, device)
        one_step = self.settings.objective == "next"
        reverse = HiddenReverse(self.denoiser, self.schedule.first(1) if one_step else self.schedule)
        users = interests.shape[0]
        large = users * self.settings.hidden * 4 > dense_budget
        if large and scratch is not None and device.type == "cpu":
            hidden = _mapped(scratch, users, self.settings.hidden)
        else:
            hidden = torch.empty(users, self.settings.hidden, device=device)
        for start in range(0, users, batch_size):
            rows = matrix.take(torch.arange(start, min(start + batch_size, users), device=device))
            hidden[start : start + batch_size] = reverse.from_sparse(rows.columns, rows.values, rows.offsets)
            done(min(batch_size, users - start))
        outer = self.denoiser.outer
        return DiffusedInterests(hidden, outer.weight.detach(), outer.bias.detach(), dense_budget)


def _mapped(folder: Path, rows: int, columns: int) -> Tensor:
    """Return a (rows, columns) float32 tensor, memory-mapped to a new file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".hidden", delete=False) as file:
        path = file.name
        reserve(file.fileno(), rows * columns * 4)
    mapped = torch.from_file(path, shared=True, size=rows * columns, dtype=torch.float32).view(rows, columns)
    if os.name == "posix":  # the memory stays mapped until the tensor goes, and then its room on the disk is free
        Path(path).unlink()
    return mapped
