"""Conditioners pass interests to an encoder: as prompts (IPE), added to each item, or fused with the states."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.sequences import SequenceBatch


class Conditioner(nn.Module):
    """Base of all conditioners: runs an encoder over embedded sequences, given the interests of their users."""

    def forward(
        self,
        encoder: SequenceEncoder,
        embeds: Tensor,
        batch: SequenceBatch,
        interests: Interests | None,
    ) -> Tensor:
        """Encode a batch: (B, L, d) embedded items to (B, L, d) states.

        Raises:
            ValueError: interests are None.
        """
        if interests is None:
            raise ValueError(f"{type(self).__name__} needs interests; use NoInterests for constant ones")
        return self.encoded(encoder, embeds, batch, interests)

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode with interests; subclasses implement it."""
        raise NotImplementedError


class Unconditioned(Conditioner):
    """The base model: the encoder alone."""

    def forward(
        self,
        encoder: SequenceEncoder,
        embeds: Tensor,
        batch: SequenceBatch,
        interests: Interests | None,
    ) -> Tensor:
        """Encode without interests."""
        states: Tensor = encoder(embeds, batch.mask)
        return states


class InterestFusion(Conditioner):
    """The ablation `w/ S2IDM`: interests fused into every state by a two-layer network, without prompts (Table 4).

    Args:
        width: width of interests: q anchors.
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
        """Encode, then add the network's output for state and interests, which is zero before training."""
        states = encoder(embeds, batch.mask)
        read = torch.tanh(interests.project(batch.users, self.read.weight) + self.read.bias)
        both = torch.cat([states, read[:, None].expand(-1, states.shape[1], -1)], dim=-1)
        fused: Tensor = states + self.outer(torch.tanh(self.inner(both)))
        return fused


class InterestsAtPositions(Conditioner):
    """Adds to each item the user's interests up to that item, as W2 tanh(W1 x + b1) + b2 (not in the paper).

    Prompts use the same interests at every position. In training, these contain the targets or else less than in
    testing. Interests up to each item do not leak: each row of `interests` belongs to a flat position of the domain and
    is computed from the interactions up to it.

    Args:
        width: width of interests: q anchors.
        dim: width d.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.read = nn.Linear(width, dim)
        self.outer = nn.Linear(dim, dim)
        nn.init.xavier_normal_(self.read.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode items plus their interests, which add zero before training."""
        added = torch.zeros_like(embeds)
        read = interests.project(batch.positions[batch.mask], self.read.weight) + self.read.bias
        added[batch.mask] = self.outer(torch.tanh(read)).to(added.dtype)
        states: Tensor = encoder(embeds + added, batch.mask)
        return states


class PromptGenerators(Conditioner):
    """IPE: k generators f(x) = W2 tanh(W1 x + b1) + b2 turn interests into prompts before the sequence (Section 3.4).

    The prompts stand right before a user's first item. The encoder reads them like items. The k first layers are one
    matrix, so that interests are read once.

    With a gate, a state is s + g * (p - s), where s is the state without prompts, p the state with prompts, and g one
    learned number per dimension. Every g starts at zero, so the model starts as its base.

    Args:
        width: width of interests: q anchors.
        dim: width d of a prompt.
        count: number of prompts k.
        gated: whether there is a gate; the paper has none.
    """

    def __init__(self, width: int, dim: int, count: int, gated: bool = False) -> None:
        super().__init__()
        self.count, self.dim = count, dim
        self.gate = nn.Parameter(torch.zeros(dim)) if gated else None
        self.inner_weight = nn.Parameter(torch.empty(count * dim, width))
        self.inner_bias = nn.Parameter(torch.zeros(count * dim))
        self.outer_weight = nn.Parameter(torch.empty(count, dim, dim))
        self.outer_bias = nn.Parameter(torch.empty(count, dim))
        for generator in range(count):
            nn.init.xavier_normal_(self.inner_weight.data[generator * dim : (generator + 1) * dim])
            nn.init.xavier_normal_(self.outer_weight.data[generator])
        nn.init.normal_(self.inner_bias, 0.0, dim**-0.5)
        nn.init.normal_(self.outer_bias, 0.0, dim**-0.5)

    def prompts(self, users: Tensor, interests: Interests) -> Tensor:
        """Return the prompts m_1 .. m_k, (B, k, d)."""
        hidden = torch.tanh(interests.project(users, self.inner_weight) + self.inner_bias)
        hidden = hidden.view(len(users), self.count, self.dim)
        return torch.einsum("bkd,ked->bke", hidden, self.outer_weight) + self.outer_bias

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode prompts and items, and return the items' states. With a gate, mix in the states of items alone."""
        prompts = self.prompts(batch.users, interests)
        states = encoder(torch.cat([prompts, embeds], dim=1), F.pad(batch.mask, (self.count, 0), value=True))
        prompted = states[:, self.count :]
        if self.gate is None:
            return prompted
        plain: Tensor = encoder(embeds, batch.mask)
        return plain + self.gate * (prompted - plain)
