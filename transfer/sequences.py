"""Batch sequences: ragged spans of flat arrays, grouped by length and gathered without a loop over rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from domains.domain import Domain, Ints, spread

FEW_POSITIONS = 1024
"""Padded positions up to which all rows are one batch."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spans:
    """Subsequences of a flat item array, on a device.

    Attributes:
        items: int64, the interactions of the domain: all (N,), or those of the owned spans alone.
        users: (n,) int64.
        starts: (n,) int64, flat position of each span's first item.
        stops: (n,) int64, one past its last.
        shifts: (n,) int64, flat position less place in `items` for each owned span; None if `items` are all.
    """

    items: Tensor
    users: Tensor
    starts: Tensor
    stops: Tensor
    shifts: Tensor | None = None

    @classmethod
    def of(
        cls,
        domain: Domain,
        users: Ints,
        stops: Ints,
        device: torch.device,
        last: int | None = None,
        owned: npt.NDArray[np.bool_] | None = None,
    ) -> Spans:
        """Make spans from each user's first interaction to `stops`, limited to the `last` items.

        Args:
            domain: the interactions.
            users: (n,).
            stops: (n,), one past the last flat position of each.
            device: device of the tensors.
            last: maximum length.
            owned: (n,) the spans whose items are read and can be gathered; all by default.
        """
        starts = domain.offsets[:-1][users]
        if last is not None:
            starts = np.maximum(starts, stops - last)
        # Padding holds an item even if nobody has one.
        items, shifts = domain.items if domain.n_interactions else np.zeros(1, np.int32), None
        if owned is not None:
            lengths = np.where(owned, stops - starts, 0)
            items = domain.items[spread(starts, lengths)[1]]
            shifts = torch.from_numpy(starts - (np.cumsum(lengths) - lengths)).to(device)
        return cls(
            items=torch.from_numpy(items.astype(np.int64)).to(device),
            users=torch.from_numpy(np.ascontiguousarray(users)).to(device),
            starts=torch.from_numpy(np.ascontiguousarray(starts)).to(device),
            stops=torch.from_numpy(np.ascontiguousarray(stops)).to(device),
            shifts=shifts,
        )

    @property
    def lengths(self) -> Tensor:
        """(n,) int64."""
        return self.stops - self.starts

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, eq=False)
class SequenceBatch:
    """Right-padded sequences.

    Attributes:
        users: (B,) int64.
        items: (B, L) int64; padding holds any valid item.
        mask: (B, L) bool.
        positions: (B, L) int64, flat positions of the items in their domain; padding holds any valid position.
    """

    users: Tensor
    items: Tensor
    mask: Tensor
    positions: Tensor

    def rows(self, chosen: Tensor | slice) -> SequenceBatch:
        """Return the given rows, with the same width."""
        return SequenceBatch(self.users[chosen], self.items[chosen], self.mask[chosen], self.positions[chosen])

    def as_wide_as(self, width: int) -> SequenceBatch:
        """Return the first columns."""
        return SequenceBatch(self.users, self.items[:, :width], self.mask[:, :width], self.positions[:, :width])

    def newest(self, length: int) -> SequenceBatch:
        """Return the last `length` items of each row."""
        if self.items.shape[1] <= length:
            return self
        first = (self.mask.sum(1, keepdim=True) - length).clamp_min(0)
        kept = first + torch.arange(length, device=self.mask.device)
        return SequenceBatch(self.users, *(part.gather(1, kept) for part in (self.items, self.mask, self.positions)))

    def inputs(self) -> SequenceBatch:
        """Return all items but each row's last, as inputs for predicting `targets`."""
        return SequenceBatch(self.users, self.items[:, :-1], self.mask[:, 1:], self.positions[:, :-1])

    def targets(self) -> Tensor:
        """Return the item after each input, (B, L - 1); valid where `inputs().mask` is True."""
        return self.items[:, 1:]

    def narrowed(self, positions: int) -> list[SequenceBatch]:
        """Split into smaller batches of the same rows in order, each as wide as its longest row.

        This helps if lengths ascend: long rows do not widen the others, and a pass fits in the cache.

        Args:
            positions: maximum padded positions per batch; a longer row is a batch of its own.
        """
        lengths = self.mask.sum(dim=1).cpu().numpy()
        parts, start = [], 0
        while start < len(lengths):
            stop = start + _fitting(lengths[start:], positions)
            width = max(1, int(lengths[start:stop].max()))
            parts.append(self.rows(slice(start, stop)).as_wide_as(width))
            start = stop
        return parts


def gather(spans: Spans, rows: Tensor) -> SequenceBatch:
    """Gather spans into one batch, as wide as the longest span.

    Args:
        spans: ragged sequences.
        rows: (B,) int64, at least one; owned spans.
    """
    starts, lengths = spans.starts[rows], spans.lengths[rows]
    width = max(1, int(lengths.max()))
    column = torch.arange(width, device=rows.device)
    mask = column < lengths[:, None]
    # An empty span at the end starts after the last item; the value is masked, but the index must be valid.
    place = torch.where(mask, starts[:, None] + column, starts[:, None])
    if spans.shifts is None:
        place = place.clamp_max(len(spans.items) - 1)
        return SequenceBatch(spans.users[rows], spans.items[place], mask, place)
    shifts = spans.shifts[rows][:, None]
    place = (place - shifts).clamp_max(len(spans.items) - 1)
    return SequenceBatch(spans.users[rows], spans.items[place], mask, place + shifts)


def shuffled_by_length(lengths: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of rows of nearly equal length, in random order. Rows of equal length are shuffled each time.

    Args:
        lengths: (n,) int64.
        batch_size: rows per batch.
        generator: on the CPU.

    Yields:
        (B,) int64 rows.
    """
    if len(lengths) == 0:
        return
    jitter = torch.rand(len(lengths), generator=generator)
    order = torch.argsort(lengths.cpu() + jitter)
    batches = order.split(batch_size)
    for index in torch.randperm(len(batches), generator=generator).tolist():
        yield batches[index].to(lengths.device)


def by_length(lengths: Tensor, batch_size: int, positions_budget: int | None = None) -> Iterator[Tensor]:
    """Yield all rows in batches of similar length (the longest at most an eighth above the shortest), shortest first.

    Few short rows are one batch, because a batch costs more than their padding.

    Args:
        lengths: (n,) int64.
        batch_size: maximum rows per batch.
        positions_budget: maximum padded positions per batch, so that batches of long sequences have fewer rows.
    """
    order = torch.argsort(lengths)
    ascending = lengths[order].cpu().numpy()
    start = 0
    few = min(FEW_POSITIONS, positions_budget or FEW_POSITIONS)
    if 0 < len(order) <= batch_size and len(order) * ascending[-1] <= few:
        yield order
        return
    while start < len(order):
        candidates = ascending[start : start + batch_size]
        candidates = candidates[candidates <= candidates[0] * 9 // 8]
        size = len(candidates) if positions_budget is None else _fitting(candidates, positions_budget)
        yield order[start : start + size]
        start += size


def _fitting(lengths: Ints, positions: int) -> int:
    """Count the leading rows that fit into `positions` padded positions; at least one."""
    padded = np.maximum.accumulate(lengths).clip(min=1) * np.arange(1, len(lengths) + 1)
    return max(1, int(np.searchsorted(padded, positions, side="right")))
