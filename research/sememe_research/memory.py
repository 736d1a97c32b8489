"""SASRec whose states read slots made from interests, by attention of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.model.conditioner import Conditioner, PromptGenerators
from transfer.registry import Trained
from transfer.sequences import SequenceBatch
from transfer.systems.sasrec import SASRec


class InterestMemory(Conditioner):
    """Every state h adds W_o softmax(W_q h S' / sqrt(d)) S, where the k slots S are made as prompts are.

    Args:
        width: of interests: q anchors.
        dim: width d.
        count: slots k.
    """

    def __init__(self, width: int, dim: int, count: int) -> None:
        super().__init__()
        self.slots = PromptGenerators(width, dim, count)
        self.query, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        nn.init.xavier_normal_(self.query.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode, then add what each state reads; at the start it adds nothing."""
        states = encoder(embeds, batch.mask)
        slots = self.slots.prompts(batch.users, interests)
        attention = torch.softmax(self.query(states) @ slots.mT / math.sqrt(states.shape[-1]), dim=-1)
        read: Tensor = states + self.outer(attention @ slots)
        return read


SASREC_MEMORY = Trained(
    name="sasrec-memory",
    summary="SASRec whose states attend to slots made from interests",
    encoder=SASRec,
    family="sasrec",
    fusion=InterestMemory,
)
