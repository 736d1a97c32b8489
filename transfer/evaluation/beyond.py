"""What accuracy does not show: how much of the catalogue is ever recommended, and how popular that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from transfer.evaluation.metrics import Ranks


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
