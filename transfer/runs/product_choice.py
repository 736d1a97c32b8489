"""The choice of the product: what validation prefers, and fewer parts where the gain may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from transfer.evaluation.metrics import PerUser
from transfer.evaluation.ranking import Ranking
from transfer.evaluation.summary import seed_values
from transfer.runs.checks import is_baseline
from transfer.variants import Variant


def choose_product(variants: Sequence[Variant], values: Mapping[str, PerUser]) -> Variant:
    """The simplest variant whose validation metric is within one standard error of the best one.

    With m_v(u) the metric of variant v for user u, averaged over seeds, and b the variant with the largest mean, v
    stays if mean(m_b - m_v) <= sd(m_b - m_v) / sqrt(U). Of those that stay, late terms alone go first (they hold
    popularity, and validation leaves out what does not help), then other baselines, then trained variants with fewer
    parts, then the larger mean. With many users the standard error is small and the best variant wins; with few users
    a part must earn its place.

    Args:
        variants: that may serve, at least one.
        values: (U,) validation metric of each user by label, the same users for all.
    """
    best = max(variants, key=lambda variant: values[variant.label].mean())
    close = [variant for variant in variants if _within_one_error(values[best.label] - values[variant.label])]
    return min(close, key=lambda variant: (*_simplicity(variant), -float(values[variant.label].mean())))


def _simplicity(variant: Variant) -> tuple[int, int]:
    """Less is simpler: late terms alone, other baselines, then trained variants by their parts."""
    if is_baseline(variant):
        return (0, 0) if variant.terms else (1, 0)
    return (2, variant.parts)


def _within_one_error(lead: PerUser) -> bool:
    if len(lead) < 2:
        return float(lead.mean()) <= 0
    return float(lead.mean()) <= float(lead.std(ddof=1)) / np.sqrt(len(lead))


def choosing_values(
    rankings: Sequence[Ranking], users: npt.NDArray[np.int64], metric: str, cutoffs: tuple[int, ...]
) -> PerUser:
    """(U,) a validation metric of some users, averaged over seeds.

    Args:
        rankings: of the validation stage, one a seed.
        users: indices of the users that choose; those without a validation target are left out.
        metric: PROTOCOL/NAME, for example ``full/ndcg@10``.
        cutoffs: k of the metrics.
    """
    chosen = [ranking.only(np.flatnonzero(np.isin(ranking.users, users))) for ranking in rankings]
    mean: PerUser = seed_values(chosen, metric, cutoffs).mean(axis=0)
    return mean
