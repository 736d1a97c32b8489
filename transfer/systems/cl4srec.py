"""CL4SRec (Xie et al., 2022): SASRec with a contrastive loss between two augmented views of each sequence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from domains.settings import Settings
from transfer.interests.views import TrainView
from transfer.model.recommender import SequentialRecommender
from transfer.registry import Trained
from transfer.sequences import SequenceBatch
from transfer.systems.sasrec import SASRec
from transfer.training.task import Task


@dataclass(frozen=True, eq=False)
class Augmented:
    """An augmented batch, padded on the right.

    Attributes:
        batch: (B, L) remaining items in their new order, with their old positions.
        hidden: (B, L) bool, positions whose item is hidden.
    """

    batch: SequenceBatch
    hidden: Tensor

    def where(self, chosen: Tensor, other: Augmented) -> Augmented:
        """Return rows of this batch if `chosen` (B,) is True, otherwise of the other one."""
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
    """Keep a random contiguous part of each sequence: floor(share * n) items, at least one."""
    lengths, column = _lengths(batch), _columns(batch)
    kept = _part(lengths, share).clamp_min(1)
    start = _start(lengths - kept, draws)
    mask = column < kept[:, None]
    moved = torch.where(mask, (start[:, None] + column).clamp_max(batch.items.shape[1] - 1), column)
    return Augmented(_moved(batch, moved, mask), torch.zeros_like(mask))


def hide(batch: SequenceBatch, share: float, draws: torch.Generator) -> Augmented:
    """Hide floor(share * n) random items of each sequence; positions stay (the paper's mask)."""
    order = _noise(batch, draws).masked_fill(~batch.mask, torch.inf).argsort(1).argsort(1)
    return Augmented(batch, order < _part(_lengths(batch), share)[:, None])


def reorder(batch: SequenceBatch, share: float, draws: torch.Generator) -> Augmented:
    """Shuffle a random contiguous part of each sequence: floor(share * n) items."""
    lengths, column = _lengths(batch), _columns(batch)
    moved = _part(lengths, share)
    start = _start(lengths - moved, draws)[:, None]
    inside = (column >= start) & (column < start + moved[:, None])
    # Sort keys: within the part, random numbers between its ends; elsewhere, the positions.
    keys = torch.where(inside, start + _noise(batch, draws) * moved[:, None], column.to(torch.float64))
    return Augmented(_moved(batch, keys.argsort(dim=1, stable=True), batch.mask), torch.zeros_like(batch.mask))


AUGMENTATIONS: tuple[Augmentation, ...] = (crop, hide, reorder)


def two_views(
    batch: SequenceBatch, shares: tuple[float, float, float], draws: torch.Generator
) -> tuple[Augmented, Augmented]:
    """Return two views of each sequence, by two different augmentations chosen at random.

    Args:
        batch: (B, L) sequences.
        shares: shares of crop, hide and reorder.
        draws: random generator on the batch's device.
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
    """Return a batch with the items of the given columns (B, L)."""
    return SequenceBatch(batch.users, batch.items.gather(1, columns), mask, batch.positions.gather(1, columns))


def _lengths(batch: SequenceBatch) -> Tensor:
    return batch.mask.sum(1)


def _columns(batch: SequenceBatch) -> Tensor:
    return torch.arange(batch.items.shape[1], device=batch.items.device)[None]


def _part(lengths: Tensor, share: float) -> Tensor:
    """Return floor(share * n), with a small addition so that 0.3 * 10 gives 3, not 2."""
    return (lengths.double() * share + 1e-6).long()


def _noise(batch: SequenceBatch, draws: torch.Generator) -> Tensor:
    return torch.rand(batch.items.shape, dtype=torch.float64, generator=draws, device=batch.items.device)


def _start(room: Tensor, draws: torch.Generator) -> Tensor:
    """Draw uniform integers in 0 .. room."""
    uniform = torch.rand(len(room), dtype=torch.float64, generator=draws, device=room.device)
    return (uniform * (room + 1)).long()


class ContrastiveSettings(Settings):
    """Settings of CL4SRec's contrastive loss between two augmented views of each sequence (Xie et al., 2022)."""

    weight: float = Field(0.1, ge=0, description="Weight lambda of the contrastive loss.")
    temperature: float = Field(1.0, gt=0, description="Temperature of the inner products of states; the paper: 1.")
    crop: float = Field(0.6, gt=0, le=1, description="Share of a sequence that crop keeps.")
    mask: float = Field(0.3, ge=0, lt=1, description="Share of a sequence that mask hides.")
    reorder: float = Field(0.6, ge=0, le=1, description="Share of a sequence that reorder shuffles.")


def info_nce(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of each view's partner among all other 2B - 1 views of the batch; similarity is the inner product.

    Args:
        first: (B, d) states of the first views.
        second: (B, d) states of the second views.
        temperature: divides the inner products.

    Returns:
        Scalar mean over the 2B views.
    """
    views = torch.cat([first, second])
    count = len(first)
    similarity = (views @ views.t() / temperature).float()
    similarity = similarity.masked_fill(torch.eye(2 * count, dtype=torch.bool, device=views.device), -math.inf)
    partner = torch.arange(2 * count, device=views.device).roll(count)
    return F.cross_entropy(similarity, partner)


class Contrast:
    """The contrastive objective over whole training sequences.

    A hidden item is a zero vector with its position; the paper learns a vector for it.

    Args:
        settings: weight, temperature, shares.
        longest: maximum number of items of the encoder; a training sequence may have one more, its last target.
    """

    replaces_loss = False

    def __init__(self, settings: ContrastiveSettings, longest: int) -> None:
        self.settings, self.longest = settings, longest

    def loss(
        self, model: SequentialRecommender, whole: SequenceBatch, valid: Tensor, view: TrainView, draws: torch.Generator
    ) -> Tensor:
        """See `transfer.training.auxiliary.Auxiliary.loss`."""
        shares = (self.settings.crop, self.settings.mask, self.settings.reorder)
        views = two_views(whole.newest(self.longest), shares, draws)
        embeds = model.embed([one.batch.items for one in views])
        first, second = (_final_state(model, vectors, one, view) for vectors, one in zip(embeds, views, strict=True))
        return self.settings.weight * info_nce(first, second, self.settings.temperature)


def _final_state(model: SequentialRecommender, vectors: Tensor, one: Augmented, view: TrainView) -> Tensor:
    """Return the (B, d) states after each sequence's last item."""
    states = model.states(vectors * ~one.hidden[..., None], one.batch, view.interests)
    last = one.batch.mask.sum(1) - 1
    return states[torch.arange(len(last), device=last.device), last]


def _objective(task: Task, settings: ContrastiveSettings) -> Contrast:
    return Contrast(settings, task.max_length)


CL4SREC = Trained(
    name="cl4srec",
    summary="SASRec with a contrastive loss between augmented sequences",
    encoder=SASRec,
    family="sasrec",
    objective=_objective,
    settings=ContrastiveSettings,
)
