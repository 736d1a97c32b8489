"""Sentence vectors with evened-out directions: what all texts share says little about any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

SHRINKAGE = 1e-4
"""Added to every variance, as a share of the largest, so that a direction that hardly varies is not blown up."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """Centre, then divide every principal direction by its standard deviation to the power `power`.

    Vectors of a sentence encoder crowd in a narrow cone. Whitened ones tell titles apart, which counts most where no
    model of the target can learn to (Su et al., 2021; Zhang et al., 2024). Learned from an artifact's anchors, it is
    the same for every domain.

    Attributes:
        mean: (s,) float32.
        matrix: (s, s) float32.
    """

    mean: Tensor
    matrix: Tensor

    @classmethod
    def learn(cls, vectors: Tensor, power: float) -> Self:
        """From (n, s) vectors; power 0 centres only, 1 whitens fully."""
        wide = vectors.double()
        mean = wide.mean(0)
        centred = wide - mean
        variances, directions = torch.linalg.eigh(centred.t() @ centred / max(1, len(wide)))
        variances = variances.clamp_min(0) + SHRINKAGE * variances.max().clamp_min(1e-12)
        matrix = directions * variances.pow(-power / 2) @ directions.t()
        return cls(mean.float(), matrix.float())

    def __call__(self, vectors: Tensor) -> Tensor:
        """(n, s) to unit rows; rows of zeros, which stand for no text, stay zeros."""
        known = vectors.ne(0).any(dim=1, keepdim=True)
        return torch.nn.functional.normalize((vectors - self.mean) @ self.matrix, dim=-1) * known
