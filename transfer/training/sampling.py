"""Uniform negative sampling without rejection: never an item of the user's training data, never a new item."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from domains.domain import spread
from domains.split import Split


class NegativeSampler:
    """Draws items uniformly from those outside a user's training data, with one binary search per draw.

    A draw is a rank r among the I - n_u allowed items. The r-th allowed item is r plus the number of the user's items
    before it. A search in the sorted keys item_k - k finds this number for all users at once.

    Args:
        split: its training parts are the positives.
        device: device of the tensors.
    """

    def __init__(self, split: Split, device: torch.device) -> None:
        domain = split.domain
        # Without training data nothing trains, and any item may be drawn.
        new = split.new_items
        known = np.arange(domain.n_items) if new is None or new.all() else np.flatnonzero(~new)
        place = np.empty(domain.n_items, dtype=np.int64)
        place[known] = np.arange(len(known))
        self.known = torch.from_numpy(known).to(device)
        self.place = torch.from_numpy(place).to(device)
        self.n_items = len(known)
        self.stride = len(known) + 1
        self._split, self._place, self._device = split, place, device

    @cached_property
    def _seen(self) -> tuple[Tensor, Tensor, Tensor]:
        """Keys of all users; of each user, the first key and the number of allowed items. Unused by softmax losses."""
        split, domain = self._split, self._split.domain
        users, position = spread(split.starts, split.train_stop - split.starts)
        pairs = np.unique(users * self.n_items + self._place[domain.items[position]])
        owner, item = pairs // self.n_items, pairs % self.n_items
        counts = np.bincount(owner, minlength=domain.n_users)
        first = np.cumsum(counts) - counts
        rank = np.arange(len(pairs)) - first[owner]
        keys, allowed = owner * self.stride + item - rank, self.n_items - counts
        return tuple(torch.from_numpy(part).to(self._device) for part in (keys, first, allowed))  # type: ignore[return-value]

    def sample(self, users: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Draw negatives.

        Args:
            users: (n,) int64.
            count: number of negatives per user.
            generator: random generator on the sampler's device.

        Returns:
            (n, count) int64. For a user who has all items, any item may be drawn.
        """
        keys, first, free = self._seen
        allowed = free[users][:, None]
        uniform = torch.rand(len(users), count, dtype=torch.float64, generator=generator, device=users.device)
        rank = (uniform * allowed.clamp_min(1)).long()
        base = users[:, None] * self.stride
        below = torch.searchsorted(keys, base + rank, right=True) - first[users][:, None]
        return self.known[(rank + below).clamp_max(self.n_items - 1)]

    def shared(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw (count,) int64 negatives for a whole batch, from all items that may be trained on."""
        return self.known[torch.randint(self.n_items, (count,), generator=generator, device=self.known.device)]
