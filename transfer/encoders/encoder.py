"""The interface of sequence encoders, and fast causal attention."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.dropout import dropout


class SequenceEncoder(nn.Module):
    """Base class of encoders. An encoder sees vectors only; prompts, items and losses are separate.

    Sequences are padded on the RIGHT, so that causal attention needs no mask. Encoders count positions from the END of
    the sequence, which gives every item the same position as the paper's left-padded layout.
    """

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """Compute the state at each position from this and earlier positions only.

        Args:
            inputs_embeds: (B, L, d) vectors of prompts and items.
            mask: (B, L) bool, True for positions within the sequence, False for padding.

        Returns:
            (B, L, d) states; ignore those of padding.
        """
        raise NotImplementedError


def causal_attention(query: Tensor, key: Tensor, value: Tensor, share: float) -> Tensor:
    """Return attention over this and earlier positions only.

    `scaled_dot_product_attention` has no fused kernel for dropout on a CPU; the code here is faster than its fallback.

    Args:
        query: (B, H, L, d).
        key: (B, H, L, d).
        value: (B, H, L, d).
        share: dropout of the attention weights; 0 outside training.

    Returns:
        (B, H, L, d).
    """
    if share == 0 or query.device.type != "cpu":
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, dropout_p=share)
    length, width = query.shape[-2:]
    rows = query.shape[0] * query.shape[1]
    later = torch.full((length, length), -math.inf, dtype=query.dtype).triu_(1)
    queries, keys, values = (part.reshape(rows, length, width) for part in (query, key, value))
    scores = torch.baddbmm(later, queries, keys.transpose(1, 2), alpha=1 / math.sqrt(width))
    weights = dropout(torch.softmax(scores, dim=-1), share, training=True)
    return torch.bmm(weights, values).view(query.shape)
