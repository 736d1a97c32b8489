from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal
from scipy.sparse import csr_matrix

from vocab.coverage import Coverage, overlap


def test_coverage_counts_items_and_anchors() -> None:
    coverage = Coverage.of(csr_matrix(np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0]])), (("rare", 3),))
    assert (coverage.n_items, coverage.n_covered, coverage.share) == (4, 2, 0.5)
    assert coverage.anchors_per_item == 1.0
    assert coverage.quantiles == (0, 0, 0.5, 1.5, 3)
    assert coverage.as_dict()["share"] == 0.5
    assert "2 of 4 items have an anchor (50.0%)" in str(coverage) and "rare 3" in str(coverage)


def test_coverage_of_nothing() -> None:
    coverage = Coverage.of(csr_matrix((0, 5)))
    assert coverage.share == 0 and coverage.anchors_per_item == 0


uses = st.lists(st.integers(0, 4), min_size=4, max_size=4).filter(any)


@given(uses, uses)
def test_divergence_is_half_the_relative_entropy_of_each_to_their_mean(first: list[int], second: list[int]) -> None:
    found = overlap(csr_matrix(np.diag(first)), csr_matrix(np.diag(second)))
    p, q = (np.array(counts) / sum(counts) for counts in (first, second))
    bits = sum(x * np.log2(2 * x / (x + y)) for x, y in (*zip(p, q, strict=True), *zip(q, p, strict=True)) if x > 0)
    assert found.divergence == pytest.approx(bits / 2, abs=1e-12)
    assert found.shared == sum(a > 0 and b > 0 for a, b in zip(first, second, strict=True))
    assert found.first_only == sum(a > 0 and b == 0 for a, b in zip(first, second, strict=True))
    assert found.second_only == sum(a == 0 and b > 0 for a, b in zip(first, second, strict=True))


def test_what_cannot_be_compared() -> None:
    with refusal("no-anchors"):
        overlap(csr_matrix((2, 3)), csr_matrix((2, 4)))
    with refusal("no-anchors"):
        overlap(csr_matrix((2, 3)), csr_matrix(np.eye(3)))
