"""Anchor matching: cosine of the user's and the item's IDF-weighted anchors. No training; the zero-shot floor."""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags

from transfer.baselines.base import Evidence, history_matrix, sparse_scores
from transfer.evaluation.ranking import ScoreRows
from transfer.unit_rows import unit_rows


def scores(evidence: Evidence) -> ScoreRows:
    """Cosine between the sum of the history's anchors and an item's, both weighted by IDF."""
    items = unit_rows((evidence.item_anchors @ diags(evidence.idf)).tocsr())
    history = history_matrix(evidence.split, evidence.targets)
    users = unit_rows((history @ evidence.item_anchors @ diags(evidence.idf)).tocsr())
    nothing = np.zeros(evidence.split.domain.n_items, np.float32)
    return sparse_scores(users, items.T.tocsr(), nothing, evidence.device)
