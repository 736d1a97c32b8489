"""Item-kNN: items whose users overlap with those of the history (cosine, nearest neighbours only)."""

from __future__ import annotations

from pydantic import Field

from domains.domain import Domain
from domains.settings import Settings
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.target_histories import history_matrix, sparse_scores
from transfer.registry import Baseline, Ranker, Target
from transfer.terms.counts import untied_popularity
from transfer.terms.item_pairs import find_companions


class ItemKNNSettings(Settings):
    """Settings of item-kNN."""

    neighbours: int = Field(100, ge=1, le=100_000, description="Number of nearest neighbours per item.")


def fit(target: Target, settings: ItemKNNSettings) -> Ranker:
    """Compute cosines between the users of items. The score is their sum over the history."""
    split = target.split
    nearest, popularity = find_companions(split, settings.neighbours), untied_popularity(split)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return sparse_scores(history_matrix(domain, targets), nearest, popularity, target.runtime.device)

    return ranker


ITEM_KNN = Baseline(name="item-knn", summary="items with the same users", fit=fit, settings=ItemKNNSettings)
