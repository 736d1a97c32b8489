"""Targets, items excluded from their ranking, and the negatives of the sampled protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from domains.domain import Domain, Ints
from domains.errors import DataError
from domains.split import Split
from domains.ties import tied_with_previous
from transfer.evaluation.settings import EvaluationSettings

Stage = Literal["validation", "test"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Targets:
    """Held-out items of users, with the positions of their histories.

    Attributes:
        users: (n,) int64.
        stops: (n,) int64, flat positions of the targets; each history ends just before.
        items: (n,) int64, the held-out items.
        seen_starts: (n,) int64, flat positions from which on full ranking excludes the items of the history.
        excludes_seen: whether these are all items of the history.
    """

    users: Ints
    stops: Ints
    items: Ints
    seen_starts: Ints
    excludes_seen: bool

    def __len__(self) -> int:
        return len(self.users)

    def only(self, keep: Ints) -> Targets:
        """Return the targets of some rows."""
        return Targets(
            users=self.users[keep],
            stops=self.stops[keep],
            items=self.items[keep],
            seen_starts=self.seen_starts[keep],
            excludes_seen=self.excludes_seen,
        )


def targets_of(split: Split, stage: Stage, users: Ints | None = None) -> Targets:
    """Return the targets of a stage.

    Items of the history are excluded. If the domain keeps repeats, a target may be in the history, and only items are
    excluded that the user had at the same time: a basket has an item once, so that they cannot be the target.

    Args:
        split: the held-out positions.
        stage: validation or test.
        users: users to include; default: all.
    """
    position = split.validation if stage == "validation" else split.test
    chosen = np.arange(split.domain.n_users, dtype=np.int64) if users is None else users
    chosen = chosen[position[chosen] >= 0]
    stops = position[chosen]
    items = split.domain.items[stops].astype(np.int64)
    starts = first_of_moment(split.domain, stops) if split.domain.repeats else split.starts[chosen]
    return Targets(users=chosen, stops=stops, items=items, seen_starts=starts, excludes_seen=not split.domain.repeats)


def first_of_moment(domain: Domain, positions: Ints) -> Ints:
    """Return (n,) the flat position of the first interaction of the same user at the same time as each position."""
    begins = ~tied_with_previous(domain)
    return np.flatnonzero(begins)[np.cumsum(begins)[positions] - 1]


def negatives_a_target(n_items: int, settings: EvaluationSettings) -> int:
    """Return min(negatives, I - 1): in a small catalogue, all other items are negatives."""
    return min(settings.negatives, n_items - 1)


def sampled_negatives(users: Ints, targets: Tensor, n_items: int, settings: EvaluationSettings) -> Tensor:
    """Draw negatives uniformly from all items but the target. A user's draws depend on seed and user only.

    Args:
        users: (n,) int64, user indices.
        targets: (n,) int64 on any device.
        n_items: I.
        settings: number of negatives, and seed.

    Returns:
        (n, m) int64 on the targets' device, m as in `negatives_a_target`.

    Raises:
        InputError: there is only one item.
    """
    if n_items < 2:
        raise DataError(
            "the catalogue has only one item: there is nothing to rank it against", location="items", code="one-item"
        )
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
    """Hash a counter to 62 non-negative bits (the finaliser of splitmix64). The result is the same on every device."""
    state = (state ^ (state >> 30 & (1 << 34) - 1)) * -0x40A7B892E31B1A47
    state = (state ^ (state >> 27 & (1 << 37) - 1)) * -0x6B2FB644ECCEEE15
    return (state ^ (state >> 31 & (1 << 33) - 1)) & (1 << 62) - 1


def excluded_pairs(items: Tensor, starts: Tensor, stops: Tensor) -> tuple[Tensor, Tensor]:
    """Return row and item of every interaction of some histories, which full ranking excludes.

    Args:
        items: (N,) items of all interactions of the domain.
        starts: (B,) flat position where each history starts.
        stops: (B,) flat position after its last interaction.

    Returns:
        rows (m,) int64, ascending, and items (m,) int64.
    """
    lengths = stops - starts
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=items.device), lengths)
    first = torch.cumsum(lengths, 0) - lengths
    position = torch.arange(len(owner), device=items.device) - first[owner] + starts[owner]
    return owner, items[position].long()


def count_below(scores: Tensor, target: Tensor) -> Tensor:
    """Count the scores (B, I) of each row that are below its target (B, 1): (B,) int64. Overwrites the scores.

    Comparing in place and adding floats is several times as fast as adding bools. It is exact because float32 holds
    integers up to 2**24.
    """
    if scores.shape[1] > 1 << 24 or scores.dtype not in {torch.float32, torch.float64}:
        return (scores < target).sum(1)
    return scores.lt_(target).sum(1).long()
