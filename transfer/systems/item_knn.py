"""Item-kNN: items whose users overlap with those of the history (cosine, nearest neighbours only)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags

from transfer.evaluation.histories import history_matrix, sparse_scores
from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence, train_matrix
from transfer.terms.counts import untied_popularity

NEIGHBOURS = 100
"""Neighbours that an item keeps."""


def scores(evidence: Evidence) -> ScoreRows:
    """Sum over the history of the cosine between training columns, each item's nearest neighbours only."""
    matrix = train_matrix(evidence.split)
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    scale = diags(np.divide(1.0, np.sqrt(counts), out=np.zeros_like(counts), where=counts > 0))
    normed = (matrix @ scale).tocsr()
    similarity = (normed.T @ normed).tocsr()
    similarity.setdiag(0.0)
    history = history_matrix(evidence.split.domain, evidence.targets)
    return sparse_scores(history, _nearest(similarity, NEIGHBOURS), untied_popularity(evidence.split), evidence.device)


def _nearest(similarity: csr_matrix, count: int) -> csr_matrix:
    """Each row's `count` largest entries."""
    starts, lengths = similarity.indptr[:-1], np.diff(similarity.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((similarity.indices, -similarity.data, rows))
    rank = np.arange(len(rows)) - starts[rows]
    kept = order[rank < count]
    return csr_matrix((similarity.data[kept], (rows[kept], similarity.indices[kept])), shape=similarity.shape)
