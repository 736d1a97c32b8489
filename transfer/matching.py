"""Anchor matching beside a model: cosine of user and item over their anchors, added to the score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.histories import history_matrix, sparse_scores
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.unit_rows import unit_rows

WEIGHTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Weights of the matching term that validation chooses from; a model's own scores span its temperature."""


def matching_scores(
    domain: Domain,
    targets: Targets,
    item_anchors: csr_matrix,
    idf: npt.NDArray[np.float32],
    device: torch.device,
) -> ScoreRows:
    """Cosine between the sum of a history's anchors and an item's, both weighted by IDF, in [0, 1].

    Args:
        domain: the interactions.
        targets: whose histories are matched.
        item_anchors: (I, q).
        idf: (q,).
        device: of the scores.
    """
    items = unit_rows((item_anchors @ diags(idf)).tocsr())
    users = unit_rows((history_matrix(domain, targets) @ item_anchors @ diags(idf)).tocsr())
    return sparse_scores(users, items.T.tocsr(), np.zeros(domain.n_items, np.float32), device)


def blended(scores: ScoreRows, matching: ScoreRows, weight: float) -> ScoreRows:
    """A model's scores plus `weight` times the matching scores."""
    if weight == 0:
        return scores

    def score_rows(rows: Tensor) -> Tensor:
        own = scores(rows)
        return own.add_(matching(rows).to(own.dtype), alpha=weight)

    return score_rows


def joined(
    scores: ScoreRows,
    weight: float,
    domain: Domain,
    targets: Targets,
    item_anchors: csr_matrix,
    idf: npt.NDArray[np.float32],
    device: torch.device,
) -> ScoreRows:
    """A model's scores with anchor matching at its weight; nothing is matched where the weight is 0."""
    if weight == 0:
        return scores
    return blended(scores, matching_scores(domain, targets, item_anchors, idf, device), weight)


def best_weight(scores: ScoreRows, matching: ScoreRows, validate: Callable[[ScoreRows], float]) -> float:
    """The weight of `WEIGHTS` that validation prefers; the smaller of equal ones."""
    return max(WEIGHTS, key=lambda weight: (validate(blended(scores, matching, weight)), -weight))
