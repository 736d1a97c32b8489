"""EASE (Steck, 2019): a closed-form linear item model."""

from __future__ import annotations

import torch
from pydantic import Field

from domains.domain import Domain
from domains.errors import DataError
from domains.settings import Settings
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.target_histories import history_matrix
from transfer.registry import Baseline, Ranker, Target
from transfer.terms.counts import train_matrix
from transfer.terms.linear_items import linear_weights


class EASESettings(Settings):
    """Settings of EASE."""

    l2: float = Field(100.0, gt=0, description="L2 penalty lambda.")
    largest: int = Field(
        30_000, ge=1, le=200_000, description="Maximum number of items, because EASE inverts a dense I x I matrix."
    )


def fit(target: Target, settings: EASESettings) -> Ranker:
    """Compute `linear_weights`. The score is the history times these.

    Raises:
        InputError: there are too many items for a dense inverse.
    """
    split, device = target.split, target.runtime.device
    items = split.domain.n_items
    if items > settings.largest:
        raise DataError(
            f"EASE inverts a dense matrix of items; {items:,} items are too many (limit {settings.largest:,})",
            location="variants",
            hint="Leave 'ease' out, or raise systems.ease.largest",
            code="too-many-items",
        )
    weights = linear_weights(train_matrix(split), settings.l2, device)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        history = history_matrix(domain, targets)
        return lambda rows: torch.from_numpy(history[rows.cpu().numpy()].toarray()).to(device) @ weights

    return ranker


EASE = Baseline(name="ease", summary="a closed-form linear item model", fit=fit, settings=EASESettings)
