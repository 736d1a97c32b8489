"""Ways in for interests other than as prompts: fused, added to items, attended, or a late term of the score."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.model.conditioner import Conditioner
from transfer.model.prompts import PromptGenerators
from transfer.sequences import SequenceBatch


class InterestFusion(Conditioner):
    """The ablation `w/ S2IDM`: interests fused into every state by a two-layer network, without prompts (Table 4).

    Args:
        width: of interests: q anchors, or s entries of a sentence vector.
        dim: width d.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.read = nn.Linear(width, dim)
        self.inner = nn.Linear(2 * dim, dim)
        self.outer = nn.Linear(dim, dim)
        for layer in (self.read, self.inner, self.outer):
            nn.init.xavier_normal_(layer.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode, then add what the network makes of state and interests; at the start it adds nothing."""
        states = encoder(embeds, batch.mask)
        read = torch.tanh(interests.project(batch.users, self.read.weight) + self.read.bias)
        both = torch.cat([states, read[:, None].expand(-1, states.shape[1], -1)], dim=-1)
        fused: Tensor = states + self.outer(torch.tanh(self.inner(both)))
        return fused


class _Added(Conditioner):
    """Interests as a vector W2 tanh(W1 x + b1) + b2 that is added somewhere, zero at the start.

    Args:
        width: of interests: q anchors, or s entries of a sentence vector.
        dim: width d.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.read = nn.Linear(width, dim)
        self.outer = nn.Linear(dim, dim)
        nn.init.xavier_normal_(self.read.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def vectors(self, rows: Tensor, interests: Interests) -> Tensor:
        """(n, d) of the given (n,) rows of interests."""
        made: Tensor = self.outer(torch.tanh(interests.project(rows, self.read.weight) + self.read.bias))
        return made


class InterestsAtPositions(_Added):
    """What a user was interested in by each item is added to it, W2 tanh(W1 x + b1) + b2 (not in the paper).

    Prompts see the same interests at every position, hence in training what they are to predict, or else less than in
    testing. Interests that grow with the sequence hide nothing and leak nothing: rows of `interests` are flat positions
    of the domain, each made from everything up to that interaction.

    Args:
        width: of interests: q anchors, or s entries of a sentence vector.
        dim: width d.
    """

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode items with their interests; at the start these add nothing."""
        added = torch.zeros_like(embeds)
        added[batch.mask] = self.vectors(batch.positions[batch.mask], interests).to(added.dtype)
        states: Tensor = encoder(embeds + added, batch.mask)
        return states


class InterestMemory(Conditioner):
    """Every state reads the same k slots that prompts are made of, by attention of its own (not in the paper).

    Prompts are read on the way, by the encoder; here a state first says what it needs.

    Args:
        width: of interests: q anchors, or s entries of a sentence vector.
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


class InterestsInScore(_Added):
    """A late term of the score, <W2 tanh(W1 x + b1) + b2, v_i> for item i (not in the paper).

    It is added to the state, which adds it to the score: exactly so where the score is an inner product, and before
    the state is brought to unit length where it is a cosine.

    Args:
        width: of interests: q anchors, or s entries of a sentence vector.
        dim: width d.
    """

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode, then add the same to every state of a user; at the start it adds nothing."""
        states: Tensor = encoder(embeds, batch.mask) + self.vectors(batch.users, interests)[:, None]
        return states
