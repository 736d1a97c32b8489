"""CL4SRec (Xie et al., 2022): SASRec with a contrastive loss between two augmented views of each sequence."""

from __future__ import annotations

import math

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
from transfer.training.augment import Augmented, two_views
from transfer.training.task import Task


class ContrastiveSettings(Settings):
    """CL4SRec (Xie et al., 2022): contrast of two augmented views of each sequence, beside the recommendation loss."""

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
        temperature: the inner products are divided by it.

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
    """The contrastive objective over whole train sequences.

    A hidden item enters as a zero vector with its position, where the paper learns a vector for it.

    Args:
        settings: weight, temperature, shares.
        longest: items that the encoder is made for; a train sequence may hold one more, its last target.
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
    """(B, d) state after each sequence's last item."""
    states = model.states(vectors * ~one.hidden[..., None], one.batch, view.interests)
    last = one.batch.mask.sum(1) - 1
    return states[torch.arange(len(last), device=last.device), last]


def _objective(task: Task, settings: ContrastiveSettings) -> Contrast:
    return Contrast(settings, task.max_length)


CL4SREC = Trained(
    name="cl4srec",
    summary="SASRec with contrast of two altered copies of a sequence",
    encoder=SASRec,
    family="sasrec",
    objective=_objective,
    settings=ContrastiveSettings,
)
