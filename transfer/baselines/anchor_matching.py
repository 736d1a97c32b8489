"""Anchor matching: cosine of the user's and the item's IDF-weighted anchors. No training; the zero-shot floor."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags

from transfer.baselines.base import Evidence, history_matrix, sparse_scores
from transfer.evaluation.ranking import ScoreRows


def scores(evidence: Evidence) -> ScoreRows:
    """Cosine between the sum of the history's anchors and an item's, both weighted by IDF."""
    items = _unit_rows((evidence.item_anchors @ diags(evidence.idf)).tocsr())
    history = history_matrix(evidence.split, evidence.targets)
    users = _unit_rows((history @ evidence.item_anchors @ diags(evidence.idf)).tocsr())
    nothing = np.zeros(evidence.split.domain.n_items, np.float32)
    return sparse_scores(users, items.T.tocsr(), nothing, evidence.device)


def _unit_rows(matrix: csr_matrix) -> csr_matrix:
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (diags(np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)) @ matrix).tocsr()
