"""What full ranking leaves out, and how many of the rest stand below a target."""

from __future__ import annotations

import torch
from torch import Tensor


def excluded_pairs(items: Tensor, starts: Tensor, stops: Tensor) -> tuple[Tensor, Tensor]:
    """Row and item of every interaction that full ranking leaves out.

    Args:
        items: (N,) all interactions of the domain.
        starts: (B,) flat position of each row's first interaction.
        stops: (B,) one past its last.

    Returns:
        (m,) int64 and (m,) int64, rows ascending.
    """
    lengths = stops - starts
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=items.device), lengths)
    first = torch.cumsum(lengths, 0) - lengths
    position = torch.arange(len(owner), device=items.device) - first[owner] + starts[owner]
    return owner, items[position].long()


def count_below(scores: Tensor, target: Tensor) -> Tensor:
    """(B,) int64, scores in each row (B, I) that are below the target (B, 1); the scores are overwritten.

    Ones and zeros in place and a float sum are several times as fast as a sum of bools, and exact: float32 counts to
    2**24.
    """
    if scores.shape[1] > 1 << 24 or scores.dtype not in {torch.float32, torch.float64}:
        return (scores < target).sum(1)
    return scores.lt_(target).sum(1).long()
