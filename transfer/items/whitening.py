"""Whiten sentence vectors, because directions that all texts share do not tell items apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

SHRINKAGE = 1e-4
"""Added to every variance, as a share of the largest, so that noise in small directions is not amplified."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """Centres vectors, then divides each principal direction by its standard deviation to the power `power`.

    Sentence vectors lie in a narrow cone. Whitening makes titles easier to distinguish, which matters most without
    training on the target (Su et al., 2021; Zhang et al., 2024). It is learned from the artifact's anchors, so it is
    the same for every domain.

    Attributes:
        mean: (s,) float32.
        matrix: (s, s) float32.
    """

    mean: Tensor
    matrix: Tensor

    @classmethod
    def learn(cls, vectors: Tensor, power: float) -> Self:
        """Learn the whitening of (n, s) vectors; power 0 only centres, 1 whitens fully."""
        wide = vectors.double()
        mean = wide.mean(0)
        centred = wide - mean
        variances, directions = torch.linalg.eigh(centred.t() @ centred / max(1, len(wide)))
        variances = variances.clamp_min(0) + SHRINKAGE * variances.max().clamp_min(1e-12)
        matrix = directions * variances.pow(-power / 2) @ directions.t()
        return cls(mean.float(), matrix.float())

    def __call__(self, vectors: Tensor) -> Tensor:
        """Whiten (n, s) vectors to unit rows; zero rows (no text) stay zero."""
        known = vectors.ne(0).any(dim=1, keepdim=True)
        return torch.nn.functional.normalize((vectors - self.mean) @ self.matrix, dim=-1) * known

    def undo(self, whitened: Tensor) -> Tensor:
        """Return the (n, s) unit rows that were whitened; zero rows stay zero.

        A whitened row x is (t - mean) @ matrix up to a factor. With y = x @ matrix^-1, the unit row is t = mean + f y
        for the one f > 0 that gives it length 1.
        """
        known = whitened.ne(0).any(dim=1, keepdim=True)
        mean = self.mean.double()
        straight = torch.linalg.solve(self.matrix.double(), whitened.double(), left=False)
        along, square = straight @ mean, straight.square().sum(1).clamp_min(1e-12)
        factor = ((along.square() + square * (1 - mean.square().sum())).clamp_min(0).sqrt() - along) / square
        return torch.nn.functional.normalize(mean + factor[:, None] * straight, dim=-1).float() * known
