"""Histories before each target as a sparse matrix, and scores from products of sparse matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix

from domains.domain import Domain, Ints, spread
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows


def history_matrix(domain: Domain, targets: Targets, recency: float = 1.0) -> csr_matrix:
    """Return the (n, I) float32 matrix of the items before each target.

    Args:
        domain: the interactions.
        targets: targets, one row each.
        recency: an item n places before the last has weight `recency` ** n. A repeated item counts once, at its last
            place.
    """
    starts = domain.offsets[:-1][targets.users]
    lengths = targets.stops - starts
    owner, position = spread(starts, lengths)
    shape = (len(targets), domain.n_items)
    weights = recency ** (targets.stops[owner] - 1 - position).astype(np.float32)
    if not domain.repeats:
        return csr_matrix((weights.astype(np.float32), (owner, domain.items[position])), shape=shape)
    key = owner * domain.n_items + domain.items[position]
    _, last = np.unique(key[::-1], return_index=True)
    keep = len(key) - 1 - last
    return csr_matrix((weights[keep].astype(np.float32), (owner[keep], domain.items[position][keep])), shape=shape)


def items_before(domain: Domain, targets: Targets) -> Ints:
    """Return (n,) int64, the last item before each target; -1 without a history."""
    found = np.full(len(targets), -1, np.int64)
    some = targets.stops > domain.offsets[targets.users]
    found[some] = domain.items[targets.stops[some] - 1]
    return found


def history_counts(domain: Domain, targets: Targets) -> csr_matrix:
    """Return the (n, I) float32 matrix of how often each item occurs before each target."""
    starts = domain.offsets[:-1][targets.users]
    owner, position = spread(starts, targets.stops - starts)
    ones = np.ones(len(owner), np.float32)
    return csr_matrix((ones, (owner, domain.items[position])), shape=(len(targets), domain.n_items))


def sparse_scores(
    rows: csr_matrix, columns: csr_matrix, tiebreak: npt.NDArray[np.floating], device: torch.device
) -> ScoreRows:
    """Return the scores rows @ columns, with ties broken by another score.

    Args:
        rows: (n, m).
        columns: (m, I).
        tiebreak: (I,) non-negative scores; scaled down so that they only break ties.
        device: device of the scores.
    """
    small = tiebreak / max(float(tiebreak.max(initial=0.0)), 1.0) * 1e-6

    def score_rows(chosen: torch.Tensor) -> torch.Tensor:
        block = rows[chosen.cpu().numpy()] @ columns
        dense = block.toarray() if hasattr(block, "toarray") else np.asarray(block)
        return torch.from_numpy(dense.astype(np.float64) + small).to(device)

    return score_rows
