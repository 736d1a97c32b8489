"""EASE (Steck, 2019): a closed-form linear item model."""

from __future__ import annotations

import numpy as np
import torch

from domains.errors import InputError
from transfer.evaluation.histories import history_matrix
from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence, train_matrix

REGULARISATION = 100.0
"""L2 penalty lambda."""
LARGEST = 30_000
"""Items up to which the dense I x I inverse is formed."""


def scores(evidence: Evidence) -> ScoreRows:
    """History times B with B = I - P diag(P)^-1 and P = (X'X + lambda I)^-1.

    Raises:
        InputError: too many items for a dense inverse.
    """
    items = evidence.split.domain.n_items
    if items > LARGEST:
        raise InputError(
            f"EASE inverts a dense matrix of items, and {items:,} are too many (limit {LARGEST:,})",
            location="variants", hint="Leave 'ease' out",
        )  # fmt: skip
    matrix = train_matrix(evidence.split)
    gram = torch.from_numpy((matrix.T @ matrix).toarray().astype(np.float32)).to(evidence.device)
    gram.diagonal().add_(REGULARISATION)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = inverse / -inverse.diagonal()
    weights.fill_diagonal_(0.0)
    history = history_matrix(evidence.split.domain, evidence.targets)

    def score_rows(rows: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(history[rows.cpu().numpy()].toarray()).to(evidence.device) @ weights

    return score_rows
