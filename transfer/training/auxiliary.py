"""The seam for additional objectives of training, such as a contrast of augmented sequences."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from transfer.interests.views import TrainView
from transfer.model.recommender import SequentialRecommender
from transfer.sequences import SequenceBatch


class Auxiliary(Protocol):
    """A second objective of a training step."""

    replaces_loss: bool
    """Whether the ordinary loss of the settings is left out."""

    def loss(
        self, model: SequentialRecommender, whole: SequenceBatch, valid: Tensor, view: TrainView, draws: torch.Generator
    ) -> Tensor:
        """Return a scalar on the scale of a mean over positions.

        Args:
            model: in training mode.
            whole: the train sequences, last item included.
            valid: (B, L - 1) bool, positions of ``whole.inputs()`` whose next item is a target.
            view: the interests of this epoch.
            draws: generator on the batch's device, for all random draws.
        """
        ...
