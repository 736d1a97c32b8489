"""Metrics of ranks, and coverage and popularity bias of recommended items."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Ranks = npt.NDArray[np.int64]
PerUser = npt.NDArray[np.float64]


def per_user(ranks: Ranks, candidates: Ranks, cutoffs: tuple[int, ...]) -> dict[str, PerUser]:
    """Return the metrics of each user.

    NDCG@k is 1 / log2(rank + 2) if rank < k, else 0; Hit@k is 1 if rank < k, else 0; MRR is 1 / (rank + 1); AUC is the
    share of the other candidates that rank below the target.

    Args:
        ranks: (U,) number of other candidates that score at least as high as the target; 0 is the top.
        candidates: (U,) number of ranked items, with the target.
        cutoffs: values of k.

    Returns:
        (U,) float64 for each metric: ``ndcg@k``, ``hit@k``, ``mrr``, ``auc``.
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
    """Return the mean of each metric over users; empty if there are no users."""
    if len(ranks) == 0:
        return {}
    return {name: float(values.mean()) for name, values in per_user(ranks, candidates, cutoffs).items()}


@dataclass(frozen=True)
class BeyondAccuracy:
    """Coverage and popularity bias of a model's recommendations to all users.

    Attributes:
        coverage: share of the catalogue that is recommended to at least one user.
        popularity_rank: mean popularity rank of the recommended items, as a share of the catalogue: the most popular
            items are near 0, and 0.5 means no preference. Equally popular items share their mean rank.
    """

    coverage: float
    popularity_rank: float

    def as_dict(self) -> dict[str, float]:
        """Return the values for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, recommended: Ranks, popularity: npt.NDArray[np.float32]) -> BeyondAccuracy:
        """Measure recommendations.

        Args:
            recommended: (n, K) items of each user, padded with -1.
            popularity: (I,) training interactions of each item.
        """
        items = len(popularity)
        from scipy.stats import rankdata  # slow to import, and not needed to recommend

        ranks = (rankdata(-popularity) - 0.5) / items
        shown = recommended[recommended >= 0]
        return cls(len(np.unique(shown)) / items, float(ranks[shown].mean()) if shown.size else 0.0)

    @classmethod
    def mean_of(cls, several: list[BeyondAccuracy]) -> BeyondAccuracy:
        """Return the mean over seeds."""
        return cls(
            float(np.mean([one.coverage for one in several])), float(np.mean([one.popularity_rank for one in several]))
        )
