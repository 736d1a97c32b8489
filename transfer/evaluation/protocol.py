"""What is ranked against what: targets, excluded items, and the fixed negatives of the sampled protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from domains.domain import Ints
from domains.errors import InputError
from domains.split import Split
from transfer.evaluation.settings import EvaluationSettings

Stage = Literal["validation", "test"]


@dataclass(frozen=True, eq=False)
class Targets:
    """Held-out items of users, with their histories and candidates.

    Attributes:
        users: (n,) int64.
        stops: (n,) int64 flat positions of the targets; a user's history ends just before.
        items: (n,) int64, the held-out items.
        seen_starts: (n,) int64, flat position from which the history is excluded from full ranking.
        excludes_seen: whether items of the history are left out of full ranking.
    """

    users: Ints
    stops: Ints
    items: Ints
    seen_starts: Ints
    excludes_seen: bool

    def __len__(self) -> int:
        return len(self.users)

    def only(self, keep: Ints) -> Targets:
        """Return some of them, by row."""
        return Targets(self.users[keep], self.stops[keep], self.items[keep], self.seen_starts[keep], self.excludes_seen)


def targets_of(split: Split, stage: Stage, users: Ints | None = None) -> Targets:
    """Targets of a stage.

    Items of the history are excluded, unless the domain keeps repeats: then a target may be in the history.

    Args:
        split: the held-out positions.
        stage: validation or test.
        users: only these (validation of a few-shot run); all by default.
    """
    position = split.validation if stage == "validation" else split.test
    chosen = np.arange(split.domain.n_users, dtype=np.int64) if users is None else users
    chosen = chosen[position[chosen] >= 0]
    stops = position[chosen]
    items = split.domain.items[stops].astype(np.int64)
    return Targets(chosen, stops, items, split.starts[chosen], not split.domain.repeats)


def negatives_a_target(n_items: int, settings: EvaluationSettings) -> int:
    """M = min(negatives, I - 1): a catalogue that has no more other items gives all of them, each once."""
    return min(settings.negatives, n_items - 1)


def sampled_negatives(users: Ints, targets: Tensor, n_items: int, settings: EvaluationSettings) -> Tensor:
    """Uniform draws from all items but the target; a user's draws depend on the seed and the user alone.

    Args:
        users: (n,) int64, user indices.
        targets: (n,) int64 on any device.
        n_items: I.
        settings: how many, and the seed.

    Returns:
        (n, m) int64 on the targets' device, m as in `negatives_a_target`.

    Raises:
        InputError: there is only one item.
    """
    if n_items < 2:
        raise InputError("a catalogue of one item has nothing to rank it against", location="items")
    device = targets.device
    if negatives_a_target(n_items, settings) == n_items - 1:
        others = torch.arange(n_items - 1, dtype=torch.int64, device=device).expand(len(targets), -1)
        return others + (others >= targets[:, None])
    column = torch.arange(settings.negatives, dtype=torch.int64, device=device)
    state = torch.as_tensor(users, dtype=torch.int64, device=device)[:, None] * settings.negatives + column
    stream = (settings.seed + 1) * 0x9E3779B97F4A7C15 % (1 << 62)
    rank = _mixed(state + stream) % (n_items - 1)
    return rank + (rank >= targets[:, None])


def _mixed(state: Tensor) -> Tensor:
    """A counter-based hash to 62 non-negative bits (the finaliser of splitmix64), the same on every device."""
    state = (state ^ (state >> 30 & (1 << 34) - 1)) * -0x40A7B892E31B1A47
    state = (state ^ (state >> 27 & (1 << 37) - 1)) * -0x6B2FB644ECCEEE15
    return (state ^ (state >> 31 & (1 << 33) - 1)) & (1 << 62) - 1


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


def count_below(scores: Tensor, target: Tensor, dim: int = 1) -> Tensor:
    """(B,) int64, scores in each row (B, I) that are below the target (B, 1); the scores are overwritten.

    With `dim` 0, the scores are (I, B) and the targets (1, B).

    Ones and zeros in place and a float sum are several times as fast as a sum of bools, and exact: float32 counts to
    2**24.
    """
    if scores.shape[dim] > 1 << 24 or scores.dtype not in {torch.float32, torch.float64}:
        return (scores < target).sum(dim)
    return scores.lt_(target).sum(dim).long()
