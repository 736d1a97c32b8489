"""Transitions: the items that most often followed the last item in the training sequences."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.target_histories import items_before, sparse_scores
from transfer.registry import Baseline, NoSettings, Ranker, Target
from transfer.terms.counts import train_positions, untied_popularity


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Count (item, next item) among consecutive training interactions; popularity breaks ties."""
    split, known = target.split, target.split.domain
    owner, position = train_positions(split)
    consecutive = owner[1:] == owner[:-1]
    before, after = known.items[position[:-1][consecutive]], known.items[position[1:][consecutive]]
    shape = (known.n_items, known.n_items)
    counts = csr_matrix((np.ones(len(before), np.float32), (before, after)), shape=shape)
    popularity = untied_popularity(split)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        last = items_before(domain, targets)
        some = np.flatnonzero(last >= 0)
        rows = csr_matrix((np.ones(len(some), np.float32), (some, last[some])), shape=(len(last), domain.n_items))
        return sparse_scores(rows, counts, popularity, target.runtime.device)

    return ranker


TRANSITIONS = Baseline(name="transitions", summary="what followed the last item most often", fit=fit)
