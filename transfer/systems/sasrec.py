"""SASRec (Kang and McAuley, 2018), as in the authors' code of SeeDRec: layer norm on the query only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from transfer.dropout import Dropout
from transfer.encoders.encoder import SequenceEncoder, causal_attention
from transfer.encoders.settings import EncoderSettings
from transfer.registry import Trained


class SelfAttention(nn.Module):
    """Causal multi-head attention with normalised queries and plain keys and values, added to the query."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm = nn.LayerNorm(dim, eps=1e-8)
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, states: Tensor) -> Tensor:
        """(B, L, d) -> (B, L, d)."""
        batch, length, dim = states.shape
        normed = self.norm(states)
        query = self.query(normed).view(batch, length, self.heads, -1).transpose(1, 2)
        key, value = self.key_value(states).view(batch, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = causal_attention(query, key, value, self.dropout if self.training else 0.0)
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
    """Position embeddings, then blocks of causal attention and feed-forward, then layer norm.

    Args:
        settings: width, blocks, heads, dropout, length.
        prompts: positions reserved before the longest sequence.
    """

    def __init__(self, settings: EncoderSettings, prompts: int = 0) -> None:
        super().__init__()
        self.positions = nn.Embedding(settings.max_length + prompts, settings.dim)
        self.dropout = Dropout(settings.dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                SelfAttention(settings.dim, settings.heads, settings.dropout),
                FeedForward(settings.dim, settings.dropout),
            )
            for _ in range(settings.blocks)
        )
        self.norm = nn.LayerNorm(settings.dim, eps=1e-8)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """See `SequenceEncoder.forward`."""
        length = inputs_embeds.shape[1]
        from_end = mask.sum(dim=1, keepdim=True) - 1 - torch.arange(length, device=mask.device)
        states = self.dropout(inputs_embeds + self.positions(from_end.clamp_min(0)))
        for block in self.blocks:
            states = block(states)
        return self.norm(states)


SASREC = Trained(name="sasrec", summary="self-attention over the history", encoder=SASRec, family="sasrec")
