"""Full ranking of scores that are inner products, in tiles of users and items that never leave the cache.

Scores of every item at once are written to memory and read back, which costs more than their multiplication. A tile is
multiplied, counted and overwritten by the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, spmatrix
from torch import Tensor

from transfer.evaluation.protocol import count_below

TILE = 1024
"""Users, and items, of a tile: 4 MB of scores."""


DENSE_WORK = 0.125
"""Multiplications a row, as a share of the items, from which a product of sparse matrices is formed densely."""


@dataclass(frozen=True, eq=False)
class SparseProducts:
    """Scores of all items that are products of sparse matrices; most of them are 0.

    Attributes:
        left: (n, m), one row for each target.
        right: (m, I).
        device: of the scores.
    """

    left: csr_matrix
    right: spmatrix
    device: torch.device

    def rows(self, rows: Tensor) -> csr_matrix:
        """(B, I) scores of all items, without those that are 0."""
        return (self.left[rows.cpu().numpy()] @ self.right).tocsr()

    def add_to(self, scores: Tensor, rows: Tensor, weight: float = 1.0) -> None:
        """Add the scores of some rows, (B,) int64, to a tensor (B, I)."""
        chosen = self.left[rows.cpu().numpy()]
        if self._is_dense(chosen):
            block = np.ascontiguousarray((self.right.T @ chosen.T.toarray()).T)
            scores.add_(torch.from_numpy(block).to(scores), alpha=weight)
            return
        place, values = flat_entries((chosen @ self.right).tocsr())
        flat = scores.view(-1)
        place, values = place.to(scores.device), values.to(scores)
        flat[place] += values * weight

    def __call__(self, rows: Tensor) -> Tensor:
        """(B, I) scores of all items."""
        scores = torch.zeros(len(rows), self.right.shape[1], device=self.device)
        self.add_to(scores, rows)
        return scores

    def _is_dense(self, chosen: csr_matrix) -> bool:
        if chosen.shape[0] == 0 or chosen.nnz == 0:
            return False
        return bool(self._lengths[chosen.indices].sum() > DENSE_WORK * self.right.shape[1] * chosen.shape[0])

    @cached_property
    def _lengths(self) -> npt.NDArray[np.int64]:
        """(m,) entries of each row of the right matrix."""
        if self.right.format == "csr":
            return np.diff(self.right.indptr).astype(np.int64)
        return np.bincount(self.right.tocsc().indices, minlength=self.right.shape[0])


def flat_entries(block: csr_matrix) -> tuple[Tensor, Tensor]:
    """Return the flat place, int64, and the value, float32, of every entry of a sparse block (B, I)."""
    row = np.repeat(np.arange(block.shape[0], dtype=np.int64), np.diff(block.indptr))
    return torch.from_numpy(row * block.shape[1] + block.indices), torch.from_numpy(block.data.astype(np.float32))


@dataclass(frozen=True, eq=False)
class InnerProducts:
    """Scores of all items that are inner products; called with rows of the targets, (B,) int64, it forms them, (B, I).

    Attributes:
        states: (n, d), one for each target.
        items: (I, d).
        sparse: weights and scores that are added.
    """

    states: Tensor
    items: Tensor
    sparse: tuple[tuple[float, SparseProducts], ...] = ()

    def __call__(self, rows: Tensor) -> Tensor:
        """(B, I) scores of all items."""
        scores = self.states[rows] @ self.items.t()
        for weight, part in self.sparse:
            part.add_to(scores, rows, weight)
        return scores


def counts_below_targets(scores: InnerProducts, rows: Tensor, targets: Tensor, owner: Tensor, seen: Tensor) -> Tensor:
    """How many items score below each row's target, those left out of the ranking among them.

    Args:
        scores: of all targets.
        rows: (B,) int64, the targets of this block.
        targets: (B,) int64, their items.
        owner: (m,) int64 in [0, B), the row of each item that is left out.
        seen: (m,) int64, that item; a target is ranked even if it was seen.

    Returns:
        (B,) int64. A score that is not a number is never below, and nothing is below a target whose own is none.
    """
    states = scores.states[rows]
    # Multiplied like a tile, since another way to form the same product rounds otherwise, and ties must stay ties.
    target = (states @ scores.items[targets].t()).diagonal()[:, None].clone()
    target = torch.where(torch.isnan(target), -torch.inf, target)
    below = torch.zeros(len(rows), dtype=torch.int64, device=states.device)
    own = _by_tile(torch.arange(len(rows), device=states.device), targets, len(scores.items))
    left_out = _by_tile(owner, seen, len(scores.items))
    memory = states.new_empty(len(rows) * TILE)
    for items, excluded, held_out in zip(scores.items.split(TILE), left_out, own, strict=True):
        tile = memory[: len(rows) * len(items)].view(len(rows), len(items))
        torch.mm(states, items.t(), out=tile)
        tile[excluded] = -torch.inf
        tile[held_out] = target[held_out[0], 0]
        below += count_below(tile, target)
    return below


def _by_tile(rows: Tensor, items: Tensor, n_items: int) -> list[tuple[Tensor, Tensor]]:
    """The rows and the columns within its tile of every pair, tile by tile."""
    tile = items // TILE
    order = torch.argsort(tile, stable=True)
    sizes = torch.bincount(tile, minlength=-(-n_items // TILE)).tolist()
    return list(zip(rows[order].split(sizes), (items % TILE)[order].split(sizes), strict=True))
