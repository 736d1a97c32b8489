"""Look-ups in sparse matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse

from transfer.sparse import in_order, values_at


@pytest.mark.parametrize("density", [0.0, 0.01, 0.3, 1.0])
def test_entries_are_looked_up_as_by_indexing(density):
    generator = np.random.default_rng(0)
    matrix = in_order(random_sparse(30, 17, density, format="csr", dtype=np.float32, random_state=1))
    rows, columns = generator.integers(0, 30, 500), generator.integers(0, 17, 500)
    assert values_at(matrix, rows, columns) == pytest.approx(matrix.toarray()[rows, columns])
    assert values_at(matrix, rows[:0], columns[:0]).shape == (0,)


def test_columns_are_put_in_order_and_added_in_a_copy():
    mixed = csr_matrix((np.array([1, 2, 4], np.float32), np.array([3, 0, 3]), np.array([0, 3, 3])), shape=(2, 5))
    ordered = in_order(mixed)
    assert (ordered.indices.tolist(), ordered.data.tolist()) == ([0, 3], [2, 5])
    assert mixed.indices.tolist() == [3, 0, 3]
    assert in_order(ordered) is ordered
    assert values_at(ordered, np.array([0, 0, 1]), np.array([3, 4, 3])).tolist() == [5, 0, 0]
