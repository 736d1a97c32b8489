"""Interest-aware prompts (IPE, Section 3.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.model.conditioner import Conditioner
from transfer.sequences import SequenceBatch


class PromptGenerators(Conditioner):
    """IPE: k generators f(x) = W2 tanh(W1 x + b1) + b2 turn interests into prompts before the sequence (Section 3.4).

    The prompts stand right before a user's first item and are read by every item through the encoder's own
    mechanism. The k first layers are one matrix, so that sparse and factored interests are read once.

    With a gate, a state is s + g * (p - s): s without prompts, p with them, g one learned number a dimension. All g
    are zero at the start, so the model begins as its base, and prompts enter only as far as they help.

    Args:
        width: of interests: q anchors.
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
        """M = {m_1 .. m_k}, (B, k, d)."""
        hidden = torch.tanh(interests.project(users, self.inner_weight) + self.inner_bias)
        hidden = hidden.view(len(users), self.count, self.dim)
        return torch.einsum("bkd,ked->bke", hidden, self.outer_weight) + self.outer_bias

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """Encode prompts and items together, return the items' states; with a gate, a mix with those of items alone."""
        prompts = self.prompts(batch.users, interests)
        states = encoder(torch.cat([prompts, embeds], dim=1), F.pad(batch.mask, (self.count, 0), value=True))
        prompted = states[:, self.count :]
        if self.gate is None:
            return prompted
        plain: Tensor = encoder(embeds, batch.mask)
        return plain + self.gate * (prompted - plain)
