"""Ways for interests to enter other than as prompts: fused with the states, or added to each item."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.model.conditioner import Conditioner
from transfer.sequences import SequenceBatch


class InterestFusion(Conditioner):
    """The ablation `w/ S2IDM`: interests fused into every state by a two-layer network, without prompts (Table 4).

    Args:
        width: of interests: q anchors.
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
        width: of interests: q anchors.
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
        width: of interests: q anchors.
        dim: width d.
    """

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode items with their interests; at the start these add nothing."""
        added = torch.zeros_like(embeds)
        added[batch.mask] = self.vectors(batch.positions[batch.mask], interests).to(added.dtype)
        states: Tensor = encoder(embeds + added, batch.mask)
        return states
