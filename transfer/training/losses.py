"""Training losses: states (n, d) of packed positions against their positive and negative items."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

BLOCK_LOGITS = 1 << 18
"""Logits that are computed at once: 1 MB, which stays in the cache of a core."""


def bce(states: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Binary cross-entropy (Eq. 3): for each position, the positive's loss plus the mean loss of its negatives.

    Args:
        states: (n, d) prepared states.
        positives: (n, d) prepared vectors of the items that came next.
        negatives: (n, m, d) prepared vectors of items that the user has not trained on.

    Returns:
        (n,) losses.
    """
    positive = (states * positives).sum(-1)
    negative = _products(states, negatives)
    return F.softplus(-positive) + F.softplus(negative).mean(dim=1)


def gbce(states: Tensor, positives: Tensor, negatives: Tensor, n_items: int, calibration: float) -> Tensor:
    """Generalised BCE (Petrov and Macdonald, 2023): BCE with the positive's probability to the power beta.

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
    negative = _products(states, negatives)
    return beta * F.softplus(-positive) + F.softplus(negative).sum(dim=1)


def _products(states: Tensor, negatives: Tensor) -> Tensor:
    """Return (n, m) products of states (n, d) and negatives (n, m, d), in their own precision, as the positive's is."""
    with torch.autocast(states.device.type, enabled=False):
        return torch.einsum("nd,nmd->nm", states, negatives)


def sampled_softmax(
    states: Tensor, positives: Tensor, negatives: Tensor, positive_ids: Tensor, negative_ids: Tensor
) -> Tensor:
    """Cross-entropy of the positive among uniform negatives, which the whole batch shares.

    Args:
        states: (n, d).
        positives: (n, d).
        negatives: (m, d).
        positive_ids: (n,) int64.
        negative_ids: (m,) int64; a negative that equals a row's positive does not count for that row.

    Returns:
        (n,) losses.
    """
    with torch.autocast(states.device.type, enabled=False):
        found: Tensor = _SampledSoftmax.apply(states, positives, negatives, *_hits(positive_ids, negative_ids))
    return found


def _hits(positive_ids: Tensor, negative_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows and columns of the logits whose negative is the row's own positive, without comparing all pairs."""
    ordered, order = negative_ids.sort()
    first = torch.searchsorted(ordered, positive_ids)
    counts = torch.searchsorted(ordered, positive_ids, right=True) - first
    rows = torch.repeat_interleave(counts)
    within = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
    return rows, order[first[rows] + within]


class _SampledSoftmax(torch.autograd.Function):
    """Cross-entropy that stores one large array, exp(logits). The backward pass reads it and makes no other.

    Let p_ij = exp(s_i . n_j - t_i), q_i the same for the positive v_i, and z_i the sum of all. The loss is
    log z_i - log q_i. Its gradient for s_i is (p_i N + (q_i - z_i) v_i) / z_i.
    """

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, positives: Tensor, negatives: Tensor, hit_rows: Tensor, hit_columns: Tensor
    ) -> Tensor:
        positive = (states * positives).sum(-1)
        exps, top = states.new_empty(len(states), len(negatives)), torch.empty_like(positive)
        rows, columns = max(1, BLOCK_LOGITS // max(1, len(negatives))), negatives.t()
        for begin in range(0, len(states), rows):
            block, largest = exps[begin : begin + rows], top[begin : begin + rows]
            torch.mm(states[begin : begin + rows], columns, out=block)
            torch.maximum(block.amax(dim=1), positive[begin : begin + rows], out=largest)
            block.sub_(largest[:, None]).exp_()
        exps[hit_rows, hit_columns] = 0.0
        own = (positive - top).exp_()
        total = exps.sum(dim=1).add_(own)
        ctx.save_for_backward(states, positives, negatives, exps, total, own / total - 1)
        return total.log() + top - positive

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        states, positives, negatives, exps, total, pull = ctx.saved_tensors
        weight, own = (gradients[0] / total)[:, None], (gradients[0] * pull)[:, None]
        to_states = (exps @ negatives).mul_(weight).addcmul_(positives, own)
        return to_states, states * own, exps.t() @ (states * weight), None, None


def softmax(states: Tensor, table: Tensor, positive_ids: Tensor, logits_bytes: int) -> Tensor:
    """Cross-entropy over all items. Large logits are computed in blocks of rows, and again in the backward pass.

    Args:
        states: (n, d).
        table: (I, d) prepared vectors of all items.
        positive_ids: (n,) int64.
        logits_bytes: maximum size of the logits of a block.

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
