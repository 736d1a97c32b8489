"""Augmentations of sequences for contrastive learning (CL4SRec, Xie et al., 2022), over whole right-padded batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from transfer.sequences import SequenceBatch


@dataclass(frozen=True, eq=False)
class Augmented:
    """An augmented batch, right-padded as ever.

    Attributes:
        batch: (B, L) items that are left, in their new order, with the positions that they had.
        hidden: (B, L) bool, real positions whose item must not be seen.
    """

    batch: SequenceBatch
    hidden: Tensor

    def where(self, chosen: Tensor, other: Augmented) -> Augmented:
        """Rows of this batch where `chosen` (B,) says so, of the other one elsewhere."""
        pick = chosen[:, None]
        ours, theirs = self.batch, other.batch
        batch = SequenceBatch(
            ours.users,
            torch.where(pick, ours.items, theirs.items),
            torch.where(pick, ours.mask, theirs.mask),
            torch.where(pick, ours.positions, theirs.positions),
        )
        return Augmented(batch, torch.where(pick, self.hidden, other.hidden))


Augmentation = Callable[[SequenceBatch, float, torch.Generator], Augmented]


def crop(batch: SequenceBatch, share: float, draws: torch.Generator) -> Augmented:
    """A random contiguous part of each sequence, floor(share * n) items long and at least one."""
    lengths, column = _lengths(batch), _columns(batch)
    kept = _part(lengths, share).clamp_min(1)
    start = _start(lengths - kept, draws)
    mask = column < kept[:, None]
    moved = torch.where(mask, (start[:, None] + column).clamp_max(batch.items.shape[1] - 1), column)
    return Augmented(_moved(batch, moved, mask), torch.zeros_like(mask))


def hide(batch: SequenceBatch, share: float, draws: torch.Generator) -> Augmented:
    """floor(share * n) random items of each sequence hidden, their places kept (the paper's mask)."""
    order = _noise(batch, draws).masked_fill(~batch.mask, torch.inf).argsort(1).argsort(1)
    return Augmented(batch, order < _part(_lengths(batch), share)[:, None])


def reorder(batch: SequenceBatch, share: float, draws: torch.Generator) -> Augmented:
    """A random contiguous part of each sequence, floor(share * n) items long, in random order."""
    lengths, column = _lengths(batch), _columns(batch)
    moved = _part(lengths, share)
    start = _start(lengths - moved, draws)[:, None]
    inside = (column >= start) & (column < start + moved[:, None])
    # Inside the part the sort keys are random numbers between its ends, outside they are the positions themselves.
    keys = torch.where(inside, start + _noise(batch, draws) * moved[:, None], column.to(torch.float64))
    return Augmented(_moved(batch, keys.argsort(dim=1, stable=True), batch.mask), torch.zeros_like(batch.mask))


AUGMENTATIONS: tuple[Augmentation, ...] = (crop, hide, reorder)


def two_views(
    batch: SequenceBatch, shares: tuple[float, float, float], draws: torch.Generator
) -> tuple[Augmented, Augmented]:
    """Two views of each sequence by two different augmentations, drawn for each sequence.

    Args:
        batch: (B, L) sequences.
        shares: of crop, hide and reorder.
        draws: on the batch's device.
    """
    rows = len(batch.items)
    device = batch.items.device
    first = torch.randint(len(AUGMENTATIONS), (rows,), generator=draws, device=device)
    further = torch.randint(1, len(AUGMENTATIONS), (rows,), generator=draws, device=device)
    second = (first + further) % len(AUGMENTATIONS)
    made = [augment(batch, share, draws) for augment, share in zip(AUGMENTATIONS, shares, strict=True)]
    return _chosen(made, first), _chosen(made, second)


def _chosen(made: list[Augmented], which: Tensor) -> Augmented:
    result = made[0]
    for place, one in enumerate(made[1:], 1):
        result = one.where(which == place, result)
    return result


def _moved(batch: SequenceBatch, columns: Tensor, mask: Tensor) -> SequenceBatch:
    """Every place filled from the column (B, L) that is named for it."""
    return SequenceBatch(batch.users, batch.items.gather(1, columns), mask, batch.positions.gather(1, columns))


def _lengths(batch: SequenceBatch) -> Tensor:
    return batch.mask.sum(1)


def _columns(batch: SequenceBatch) -> Tensor:
    return torch.arange(batch.items.shape[1], device=batch.items.device)[None]


def _part(lengths: Tensor, share: float) -> Tensor:
    """floor(share * n); the small addition keeps 0.3 * 10 from becoming 2."""
    return (lengths * share + 1e-6).long()


def _noise(batch: SequenceBatch, draws: torch.Generator) -> Tensor:
    return torch.rand(batch.items.shape, dtype=torch.float64, generator=draws, device=batch.items.device)


def _start(room: Tensor, draws: torch.Generator) -> Tensor:
    """Uniform in 0 .. room."""
    uniform = torch.rand(len(room), dtype=torch.float64, generator=draws, device=room.device)
    return (uniform * (room + 1)).long()
