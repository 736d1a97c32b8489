"""CL4SRec (Xie et al., 2022): two augmented views of a sequence shall be nearer to each other than to anyone else's."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from recipes.settings import ContrastiveSettings
from transfer.interests.views import TrainView
from transfer.model.recommender import SequentialRecommender
from transfer.sequences import SequenceBatch
from transfer.training.augment import Augmented, two_views


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
