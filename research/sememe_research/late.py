"""SASRec with interests as a late term of the score."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.model.conditioner import Conditioner
from transfer.registry import Trained
from transfer.sequences import SequenceBatch
from transfer.systems.sasrec import SASRec


class InterestsInScore(Conditioner):
    """Add m = W2 tanh(W1 x + b1) + b2 to every state, which adds <m, v_i> to the score of item i.

    The score is exactly that where it is an inner product; where it is a cosine, m is added before the state is brought
    to unit length. W2 and b2 are zero at the start.

    Args:
        width: of interests: q anchors.
        dim: width d.
        count: unused.
    """

    def __init__(self, width: int, dim: int, count: int) -> None:
        super().__init__()
        self.read, self.outer = nn.Linear(width, dim), nn.Linear(dim, dim)
        nn.init.xavier_normal_(self.read.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode, then add the same vector to every state of a user."""
        read = torch.tanh(interests.project(batch.users, self.read.weight) + self.read.bias)
        states: Tensor = encoder(embeds, batch.mask) + self.outer(read)[:, None]
        return states


SASREC_LATE = Trained(
    name="sasrec-late",
    summary="SASRec with interests as a late term of the score",
    encoder=SASRec,
    family="sasrec",
    fusion=InterestsInScore,
)
