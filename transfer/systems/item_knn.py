"""Item-kNN: items whose users overlap with those of the history (cosine, nearest neighbours only)."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix, diags

from domains.domain import Domain
from domains.settings import Settings
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.target_histories import history_matrix, sparse_scores
from transfer.registry import Baseline, Ranker, Target
from transfer.terms.counts import train_matrix, untied_popularity


class ItemKNNSettings(Settings):
    """Settings of item-kNN."""

    neighbours: int = Field(100, ge=1, le=100_000, description="Number of nearest neighbours per item.")


def fit(target: Target, settings: ItemKNNSettings) -> Ranker:
    """Cosine between training columns; the score sums it over the history."""
    split = target.split
    matrix = train_matrix(split)
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    scale = diags(np.divide(1.0, np.sqrt(counts), out=np.zeros_like(counts), where=counts > 0))
    normed = (matrix @ scale).tocsr()
    similarity = (normed.T @ normed).tocsr()
    similarity.setdiag(0.0)
    nearest, popularity = _nearest(similarity, settings.neighbours), untied_popularity(split)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return sparse_scores(history_matrix(domain, targets), nearest, popularity, target.runtime.device)

    return ranker


def _nearest(similarity: csr_matrix, count: int) -> csr_matrix:
    """Keep each row's `count` largest entries."""
    starts, lengths = similarity.indptr[:-1], np.diff(similarity.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((similarity.indices, -similarity.data, rows))
    rank = np.arange(len(rows)) - starts[rows]
    kept = order[rank < count]
    return csr_matrix((similarity.data[kept], (rows[kept], similarity.indices[kept])), shape=similarity.shape)


ITEM_KNN = Baseline(name="item-knn", summary="items with the same users", fit=fit, settings=ItemKNNSettings)
