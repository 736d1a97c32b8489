"""Metrics of ranks, and coverage and popularity bias of recommendations."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Ranks = npt.NDArray[np.int64]
PerUser = npt.NDArray[np.float64]


def per_user(ranks: Ranks, candidates: Ranks, cutoffs: tuple[int, ...]) -> dict[str, PerUser]:
    """Metrics of every user.

    NDCG@k is 1 / log2(rank + 2) where rank < k; Hit@k is 1 where rank < k; MRR is 1 / (rank + 1); AUC is the share of
    the other candidates that stand below the target.

    Args:
        ranks: (U,) candidates that score at least as high as the target; 0 is the top. Ties count against the target.
        candidates: (U,) how many items were ranked, the target included.
        cutoffs: values of k.

    Returns:
        (U,) float64 a metric: ``ndcg@k``, ``hit@k``, ``mrr``, ``auc``.
    """
    place = ranks.astype(np.float64)
    gain = 1.0 / np.log2(place + 2.0)
    values: dict[str, PerUser] = {}
    for k in cutoffs:
        values[f"ndcg@{k}"] = np.where(ranks < k, gain, 0.0)
    for k in cutoffs:
        values[f"hit@{k}"] = (ranks < k).astype(np.float64)
    values["mrr"] = 1.0 / (place + 1.0)
    values["auc"] = 1.0 - place / np.maximum(candidates - 1, 1)
    return values


def means(ranks: Ranks, candidates: Ranks, cutoffs: tuple[int, ...]) -> dict[str, float]:
    """Means over users of `per_user`; an empty set of users has no metrics."""
    if len(ranks) == 0:
        return {}
    return {name: float(values.mean()) for name, values in per_user(ranks, candidates, cutoffs).items()}


@dataclass(frozen=True)
class BeyondAccuracy:
    """Of one model's recommendations to all users.

    Attributes:
        coverage: share of the catalogue that is recommended to anybody.
        popularity_rank: mean popularity rank of what is recommended, as a share of the catalogue: near 0 are the
            most popular items, 0.5 is no preference. Equally popular items share their mean rank.
    """

    coverage: float
    popularity_rank: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of(cls, recommended: Ranks, popularity: npt.NDArray[np.float32]) -> BeyondAccuracy:
        """Measure lists of recommendations.

        Args:
            recommended: (n, K) item indices, -1 for none.
            popularity: (I,) training interactions of each item.
        """
        items = len(popularity)
        ranks = (rankdata(-popularity) - 0.5) / items
        shown = recommended[recommended >= 0]
        return cls(len(np.unique(shown)) / items, float(ranks[shown].mean()) if shown.size else 0.0)

    @classmethod
    def mean_of(cls, several: list[BeyondAccuracy]) -> BeyondAccuracy:
        """The mean over seeds."""
        return cls(
            float(np.mean([one.coverage for one in several])), float(np.mean([one.popularity_rank for one in several]))
        )
