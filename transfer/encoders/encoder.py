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


def distance_bias(table: Tensor, length: int) -> Tensor:
    """Spread a bias per distance over all pairs of positions: b_ij = t_(i-j), and -inf where j comes after i.

    Args:
        table: (R, H) bias by distance and head; distances beyond R - 1 count as R - 1.
        length: L.

    Returns:
        (H, L, L).
    """
    place = torch.arange(length, device=table.device)
    distance = place[:, None] - place
    bias = table.t()[:, distance.clamp(0, len(table) - 1)]
    return bias.masked_fill(distance < 0, -math.inf)


def causal_attention(query: Tensor, key: Tensor, value: Tensor, share: float, bias: Tensor | None = None) -> Tensor:
    """Return attention over this and earlier positions only.

    `scaled_dot_product_attention` has no fused kernel for dropout on a CPU; the code here is faster than its fallback.

    Args:
        query: (B, H, L, d).
        key: (B, H, L, d).
        value: (B, H, L, d).
        share: dropout of the attention weights; 0 outside training.
        bias: (H, L, L) added to the scaled products, -inf at later positions; None adds nothing.

    Returns:
        (B, H, L, d).
    """
    if bias is not None:
        bias = bias.to(query.dtype)
    if share == 0 or query.device.type != "cpu":
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, is_causal=bias is None, dropout_p=share
        )
    batch, heads, length, width = query.shape
    if bias is None:
        bias = torch.full((1, length, length), -math.inf, dtype=query.dtype).triu_(1)
    elif heads > 1:
        bias = bias.expand(batch, heads, length, length).reshape(batch * heads, length, length)
    queries, keys, values = (part.reshape(batch * heads, length, width) for part in (query, key, value))
    scores = torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=1 / math.sqrt(width))
    weights = dropout(torch.softmax(scores, dim=-1), share, training=True)
    return torch.bmm(weights, values).view(query.shape)
