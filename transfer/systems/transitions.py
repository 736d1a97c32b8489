"""First-order transitions: what followed the last item in others' sequences."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from transfer.evaluation.histories import sparse_scores
from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence
from transfer.terms.counts import train_positions, untied_popularity


def scores(evidence: Evidence) -> ScoreRows:
    """Count of (last item, item) among consecutive training interactions; popularity breaks ties."""
    domain = evidence.split.domain
    owner, position = train_positions(evidence.split)
    consecutive = owner[1:] == owner[:-1]
    before, after = domain.items[position[:-1][consecutive]], domain.items[position[1:][consecutive]]
    shape = (domain.n_items, domain.n_items)
    counts = csr_matrix((np.ones(len(before), np.float32), (before, after)), shape=shape)
    has_history = evidence.targets.stops > evidence.split.starts[evidence.targets.users]
    last = domain.items[np.maximum(evidence.targets.stops - 1, 0)]
    rows = csr_matrix((has_history.astype(np.float32), (np.arange(len(last)), last)), shape=(len(last), domain.n_items))
    return sparse_scores(rows, counts, untied_popularity(evidence.split), evidence.device)
