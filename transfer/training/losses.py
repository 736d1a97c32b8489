"""Training losses on packed positions: states (n, d) against their positive and their negatives."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


def bce(states: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Binary cross-entropy (Eq. 3): the mean over positives plus the mean over negatives, per position.

    Args:
        states: (n, d) prepared states.
        positives: (n, d) prepared vectors of the items that came next.
        negatives: (n, m, d) prepared vectors of items that the user has not trained on.

    Returns:
        (n,) losses.
    """
    positive = (states * positives).sum(-1)
    negative = torch.einsum("nd,nmd->nm", states, negatives)
    return F.softplus(-positive) + F.softplus(negative).mean(dim=1)


def gbce(states: Tensor, positives: Tensor, negatives: Tensor, n_items: int, calibration: float) -> Tensor:
    """Generalised BCE (Petrov and Macdonald, 2023): the positive's probability to the power beta.

    beta = a (t (1 - 1/a) + 1/a) with the sampling rate a = m / (I - 1); t = 0 is plain BCE over m negatives.

    Args:
        states: (n, d).
        positives: (n, d).
        negatives: (n, m, d).
        n_items: I.
        calibration: t in [0, 1].

    Returns:
        (n,) losses.
    """
    rate = negatives.shape[1] / max(1, n_items - 1)
    beta = rate * (calibration * (1 - 1 / rate) + 1 / rate)
    positive = (states * positives).sum(-1)
    negative = torch.einsum("nd,nmd->nm", states, negatives)
    return beta * F.softplus(-positive) + F.softplus(negative).sum(dim=1)


def sampled_softmax(
    states: Tensor, positives: Tensor, negatives: Tensor, positive_ids: Tensor, negative_ids: Tensor
) -> Tensor:
    """Cross-entropy of the positive among uniform negatives that the whole batch shares.

    Args:
        states: (n, d).
        positives: (n, d).
        negatives: (m, d).
        positive_ids: (n,) int64.
        negative_ids: (m,) int64; where one equals a row's positive it does not count for that row.

    Returns:
        (n,) losses.
    """
    positive = (states * positives).sum(-1, keepdim=True)
    negative = states @ negatives.t()
    negative = negative.masked_fill(negative_ids[None] == positive_ids[:, None], -math.inf)
    return torch.logsumexp(torch.cat([positive, negative], dim=1), dim=1) - positive[:, 0]


def softmax(states: Tensor, table: Tensor, positive_ids: Tensor, logits_bytes: int) -> Tensor:
    """Cross-entropy over all items, in row blocks whose logits are recomputed in the backward pass.

    Args:
        states: (n, d).
        table: (I, d) prepared vectors of every item.
        positive_ids: (n,) int64.
        logits_bytes: no block's logits take more.

    Returns:
        (n,) losses.
    """
    rows = max(1, logits_bytes // (4 * len(table)))
    if rows >= len(states):
        return F.cross_entropy(states @ table.t(), positive_ids, reduction="none")
    blocks = [
        checkpoint(_softmax_block, block, table, ids, use_reentrant=False)
        for block, ids in zip(states.split(rows), positive_ids.split(rows), strict=True)
    ]
    return torch.cat(blocks)


def _softmax_block(states: Tensor, table: Tensor, positive_ids: Tensor) -> Tensor:
    return F.cross_entropy(states @ table.t(), positive_ids, reduction="none")
