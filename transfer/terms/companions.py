"""Companions: items whose users overlap, by the cosine of their training columns."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from domains.split import Split
from transfer.terms.counts import train_matrix
from transfer.terms.following import strongest

COMPANIONS = 100
"""Companions of an item that are kept."""
LONGEST = 500
"""Interactions of a user that are counted, the last ones: the pairs of a user grow with their square."""
_PAIRS = 1 << 25
"""Pairs of items that are compared at once: 400 MB if all of them share users."""


def find_companions(split: Split, count: int = COMPANIONS) -> csr_matrix:
    """Return (I, I) float32 cosines between the users of items, the largest of each row, without the diagonal.

    cos(i, j) = |U_i and U_j| / sqrt(|U_i| |U_j|), with U_i the training users who had item i.

    Args:
        split: its training part is counted.
        count: cosines kept in a row.
    """
    matrix = train_matrix(split, LONGEST)
    users = np.asarray(matrix.sum(axis=0)).ravel()
    unit = (matrix @ diags(np.divide(1.0, np.sqrt(users), out=np.zeros_like(users), where=users > 0))).tocsc()
    rows, blocks = unit.tocsr(), []
    step = max(1, _PAIRS // max(1, unit.shape[1]))
    for first in range(0, unit.shape[1], step):
        block = (unit[:, first : first + step].T @ rows).tocoo()
        others = block.row + first != block.col
        kept = (block.data[others], (block.row[others], block.col[others]))
        blocks.append(strongest(csr_matrix(kept, shape=block.shape, dtype=np.float32), count))
    return (
        vstack(blocks, format="csr", dtype=np.float32) if blocks else csr_matrix(matrix.shape[1:] * 2, dtype=np.float32)
    )
