"""SASRec (Kang and McAuley, 2018), as in the authors' code of SeeDRec: layer norm on the query only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from transfer.dropout import Dropout
from transfer.encoders.encoder import SequenceEncoder, causal_attention, distance_bias
from transfer.encoders.settings import EncoderSettings
from transfer.registry import Trained


class SelfAttention(nn.Module):
    """Causal multi-head attention with normalised queries and plain keys and values, added to the query.

    Args:
        dim: width d.
        heads: attention heads H.
        dropout: dropout of the attention weights.
        reach: number of distances with a learned bias of their own; None for no bias.
    """

    def __init__(self, dim: int, heads: int, dropout: float, reach: int | None = None) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm = nn.LayerNorm(dim, eps=1e-8)
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.distances = None if reach is None else nn.Parameter(torch.zeros(reach, heads))

    def forward(self, states: Tensor) -> Tensor:
        """(B, L, d) -> (B, L, d)."""
        batch, length, dim = states.shape
        normed = self.norm(states)
        query = self.query(normed).view(batch, length, self.heads, -1).transpose(1, 2)
        key, value = self.key_value(states).view(batch, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = None if self.distances is None else distance_bias(self.distances, length)
        mixed = causal_attention(query, key, value, self.dropout if self.training else 0.0, bias)
        return normed + self.out(mixed.transpose(1, 2).reshape(batch, length, dim))


class FeedForward(nn.Module):
    """Two pointwise layers with ReLU, added to their normalised input."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-8)
        self.inner = nn.Linear(dim, dim)
        self.outer = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        """(B, L, d) -> (B, L, d)."""
        normed = self.norm(states)
        hidden = torch.relu(self.dropout(self.inner(normed)))
        return normed + self.dropout(self.outer(hidden))


class SASRec(SequenceEncoder):
    """Blocks of causal attention and feed-forward, then layer norm.

    The order of items enters as a bias per distance in every attention, or, in the paper, as a vector per position that
    is added to the item. With distances, a state in training is made as the state of a user with that history is.

    Args:
        settings: width, blocks, heads, dropout, length.
        prompts: positions reserved before the longest sequence.
    """

    def __init__(self, settings: EncoderSettings, prompts: int = 0) -> None:
        super().__init__()
        places = settings.max_length + prompts
        absolute = settings.positions == "absolute"
        self.positions = nn.Embedding(places, settings.dim) if absolute else None
        self.dropout = Dropout(settings.dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                SelfAttention(settings.dim, settings.heads, settings.dropout, None if absolute else places),
                FeedForward(settings.dim, settings.dropout),
            )
            for _ in range(settings.blocks)
        )
        self.norm = nn.LayerNorm(settings.dim, eps=1e-8)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1 and not name.endswith("distances"):
                nn.init.xavier_normal_(parameter)

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """See `SequenceEncoder.forward`."""
        if self.positions is not None:
            length = inputs_embeds.shape[1]
            from_end = mask.sum(dim=1, keepdim=True) - 1 - torch.arange(length, device=mask.device)
            inputs_embeds = inputs_embeds + self.positions(from_end.clamp_min(0))
        states = self.dropout(inputs_embeds)
        for block in self.blocks:
            states = block(states)
        return self.norm(states)


SASREC = Trained(name="sasrec", summary="self-attention over the history", encoder=SASRec, family="sasrec")
