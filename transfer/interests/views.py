"""Views: the interests that a model sees in training, validation and test, without the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from domains.domain import Domain, Ints
from domains.split import Split
from transfer.evaluation.protocol import Stage
from transfer.interests.forms import Interests, PermutedInterests

Sees = Literal["train", "train-minus-last", "prefix"]

InterestsUpTo = Callable[[Ints], Interests]
"""Computes the interests of all users from their interactions before the given flat positions (U,)."""


@dataclass(frozen=True, eq=False)
class TrainView:
    """Interests for one training epoch.

    Attributes:
        interests: rows are the domain's users; None for the base model.
        first_target: (U,) int64, flat position of the first target; None if all items are targets.
    """

    interests: Interests | None
    first_target: Tensor | None = None


class NoViews:
    """Views of a model without interests."""

    def for_training(self, epoch: int) -> TrainView:
        """Return no interests."""
        return TrainView(None)

    def for_stage(self, stage: Stage) -> Interests | None:
        """Return no interests."""
        return None


class FixedViews:
    """The same interests at every stage: zeros (the control `constant`), or causal interests by position.

    Args:
        interests: rows are the domain's users, or its flat positions.
    """

    def __init__(self, interests: Interests) -> None:
        self.interests = interests

    def for_training(self, epoch: int) -> TrainView:
        """Return the interests; all items are targets."""
        return TrainView(self.interests)

    def for_stage(self, stage: Stage) -> Interests | None:
        """Return the interests."""
        return self.interests


class InterestViews:
    """Interests from the interactions before each stage's targets.

    Test: everything before the test target. Validation: everything before the validation target. Training:
    ``train`` is the whole train part (paper; it contains the targets), ``train-minus-last`` all but its last item, and
    ``prefix`` the part before a random cut; then only items after the cut are targets, which is causal.

    Args:
        split: the held-out positions.
        sees: interactions that training may see.
        make: computes interests from positions.
        seed: seed of the cuts.
        device: device of the cut positions.
        shuffled: give each user another user's interests (the control `shuffled`).
    """

    def __init__(
        self,
        *,
        split: Split,
        sees: Sees,
        make: InterestsUpTo,
        seed: int,
        device: torch.device,
        shuffled: bool = False,
    ) -> None:
        self.split, self.sees, self.make, self.seed, self.device = split, sees, make, seed, device
        users = split.domain.n_users
        self.order = torch.from_numpy(other_users(users, seed)).to(device) if shuffled else None
        self._fixed: Interests | None = None
        self._stages: dict[Stage, Interests] = {}

    def _made(self, stops: Ints) -> Interests:
        interests = self.make(stops)
        return interests if self.order is None else PermutedInterests(interests, self.order)

    def for_training(self, epoch: int) -> TrainView:
        """Return the interests of one epoch; they change between epochs only if cuts are drawn."""
        starts, stops = self.split.starts, self.split.train_stop
        if self.sees == "prefix":
            draws = np.random.default_rng([self.seed, epoch])
            lengths = np.maximum(stops - starts, 1)
            cuts = starts + (draws.random(len(starts)) * lengths).astype(np.int64)
            return TrainView(self._made(cuts), torch.from_numpy(cuts).to(self.device))
        if self._fixed is None:
            last = stops if self.sees == "train" else np.maximum(stops - 1, starts)
            self._fixed = self._made(last)
        return TrainView(self._fixed)

    def for_stage(self, stage: Stage) -> Interests | None:
        """Return the interests before the stage's target; users without a target get those of their whole history."""
        if stage not in self._stages:
            position = self.split.validation if stage == "validation" else self.split.test
            self._stages[stage] = self._made(np.where(position >= 0, position, self.split.domain.offsets[1:]))
        return self._stages[stage]


def other_users(users: int, seed: int) -> Ints:
    """Assign another user to every user, each once: (U,) int64, the next user in a random circle."""
    circle = np.random.default_rng(seed).permutation(users)
    others = np.empty(users, dtype=np.int64)
    others[circle] = np.roll(circle, -1)
    return others


def other_users_positions(domain: Domain, seed: int) -> Ints:
    """Map every interaction to another user's interaction at the same position, or to that user's last: (N,) int64."""
    lengths = domain.lengths
    owner = domain.owners
    others = _other_users_with_items(lengths, seed)[owner]
    place = np.arange(domain.n_interactions, dtype=np.int64) - domain.offsets[:-1][owner]
    positions: Ints = domain.offsets[:-1][others] + np.minimum(place, lengths[others] - 1)
    return positions


def _other_users_with_items(lengths: Ints, seed: int) -> Ints:
    """Return (U,) int64 `other_users` among users with a history; users without one are mapped to themselves."""
    users = np.flatnonzero(lengths > 0)
    others = np.arange(len(lengths), dtype=np.int64)
    others[users] = users[other_users(len(users), seed)]
    return others


Views = NoViews | FixedViews | InterestViews
