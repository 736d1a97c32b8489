"""Full ranking of scores that are inner products, in tiles of users and items that never leave the cache.

Scores of every item at once are written to memory and read back, which costs more than their multiplication. A tile is
multiplied, counted and overwritten by the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from transfer.evaluation.candidates import count_below

TILE = 1024
"""Users, and items, of a tile: 4 MB of scores."""


@dataclass(frozen=True, eq=False)
class InnerProducts:
    """Scores of all items that are inner products; called with rows of the targets, (B,) int64, it forms them, (B, I).

    Attributes:
        states: (n, d), one for each target.
        items: (I, d).
    """

    states: Tensor
    items: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        """(B, I) scores of all items."""
        return self.states[rows] @ self.items.t()


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
