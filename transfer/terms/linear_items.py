"""A linear item model in closed form (EASE; Steck, 2019): what each item of a history says of every other item."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.split import Split
from transfer.terms.counts import train_matrix
from transfer.terms.item_pairs import LONGEST

L2 = 100.0
"""L2 penalty of the weights of `taste`."""
LARGEST = 5_000
"""Number of items with weights, those that most users had: the time of an inverse grows with the cube (5,000: 2 s)."""
MOST_WEIGHTS = 300
"""Number of weights that each item keeps: fewer are worse where histories are long."""
FAINT = 1e-6
"""Weights up to this size are left out: rounding makes them as well."""


def linear_weights(matrix: csr_matrix, l2: float, device: torch.device) -> Tensor:
    """Return (I, I) float32 B = I - P diag(P)^-1 with P = (X'X + l2 I)^-1. Its diagonal is 0.

    B minimises |X - XB|^2 + l2 |B|^2 among matrices with such a diagonal.

    Args:
        matrix: (U, I) X, the items of each user.
        l2: penalty, above 0.
        device: device of the inverse and of the result.
    """
    gram = torch.from_numpy((matrix.T @ matrix).toarray().astype(np.float32)).to(device)
    gram.diagonal().add_(l2)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = inverse / -inverse.diagonal()
    return weights.fill_diagonal_(0.0)


def find_taste(split: Split, device: torch.device, count: int = MOST_WEIGHTS) -> csr_matrix:
    """Return (I, I) float32 `linear_weights` of the `LARGEST` most popular items: the largest sizes of each row.

    The weight at (i, j) says how much an item i of a history speaks for item j, beyond what its other items say. A
    negative weight speaks against it.

    Args:
        split: its training part is counted.
        device: device of the inverse.
        count: number of weights kept per row.
    """
    matrix = train_matrix(split, LONGEST)
    users = np.asarray(matrix.sum(axis=0)).ravel()
    chosen = np.sort(np.argsort(-users, kind="stable")[: min(LARGEST, np.count_nonzero(users))])
    weights = linear_weights(matrix[:, chosen], L2, device)
    columns = weights.abs().topk(min(count, len(chosen)), dim=1).indices
    values, places = weights.gather(1, columns).cpu().numpy().ravel(), columns.cpu().numpy().ravel()
    rows = np.repeat(chosen, columns.shape[1])
    kept = np.abs(values) > FAINT
    found = (values[kept], (rows[kept], chosen[places[kept]]))
    return csr_matrix(found, shape=(split.domain.n_items, split.domain.n_items), dtype=np.float32)
