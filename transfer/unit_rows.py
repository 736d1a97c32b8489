"""Rows of a sparse matrix to unit length."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags


def unit_rows(matrix: csr_matrix) -> csr_matrix:
    """Each row divided by its Euclidean length; rows of zeros stay."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel())
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    return (diags(scale) @ matrix).tocsr()
