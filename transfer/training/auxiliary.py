"""The interface of a second training objective, such as a contrastive loss on augmented sequences."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from transfer.interests.views import TrainView
from transfer.model.recommender import SequentialRecommender
from transfer.sequences import SequenceBatch


class Auxiliary(Protocol):
    """A second training objective."""

    replaces_loss: bool
    """Whether this loss replaces the ordinary one, instead of being added to it."""

    def loss(
        self, model: SequentialRecommender, whole: SequenceBatch, valid: Tensor, view: TrainView, draws: torch.Generator
    ) -> Tensor:
        """Return a scalar loss, on the scale of a mean over positions.

        Args:
            model: in training mode.
            whole: the training sequences, with the last item.
            valid: (B, L - 1) bool, which positions of ``whole.inputs()`` have a target as the next item.
            view: the interests of this epoch.
            draws: random generator on the batch's device; use no other.
        """
        ...
