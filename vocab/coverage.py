"""Measure how many items have anchors, and how far two domains share them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from domains.errors import DataError

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Share of items with anchors, and the words without one.

    Attributes:
        n_items: number of items I.
        n_covered: items with at least one anchor.
        anchors_per_item: mean number of distinct anchors, over all items.
        quantiles: anchors per item at the shares of `QUANTILES`.
        unmapped: (word, number of items) of words that are no anchor, most frequent first.
    """

    n_items: int
    n_covered: int
    anchors_per_item: float
    quantiles: tuple[float, ...]
    unmapped: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, matrix: csr_matrix, unmapped: tuple[tuple[str, int], ...] = ()) -> Coverage:
        """Coverage of an (I, q) item-anchor matrix."""
        counts = np.diff(matrix.indptr)
        if len(counts) == 0:
            return cls(
                n_items=0, n_covered=0, anchors_per_item=0.0, quantiles=(0.0,) * len(QUANTILES), unmapped=unmapped
            )
        quantiles = tuple(float(value) for value in np.quantile(counts, QUANTILES))
        return cls(
            n_items=len(counts),
            n_covered=int(np.count_nonzero(counts)),
            anchors_per_item=float(counts.mean()),
            quantiles=quantiles,
            unmapped=unmapped,
        )

    @property
    def share(self) -> float:
        """Share of items with at least one anchor, in [0, 1]; 0 without items."""
        return self.n_covered / self.n_items if self.n_items else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, including the share."""
        return {**asdict(self), "share": self.share}

    def __str__(self) -> str:
        low, lower, middle, upper, high = self.quantiles
        lines = [
            f"{self.n_covered:,} of {self.n_items:,} items have an anchor ({self.share:.1%})",
            f"{self.anchors_per_item:.2f} anchors per item (quartiles {low:g} {lower:g} {middle:g} {upper:g} {high:g})",
        ]
        if self.unmapped:
            words = ", ".join(f"{word} {count}" for word, count in self.unmapped[:10])
            lines.append(f"most frequent words without an anchor: {words}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Overlap:
    """Anchors that two domains share.

    Attributes:
        shared: anchors that both use.
        first_only: anchors that only the first uses.
        second_only: anchors that only the second uses.
        divergence: Jensen-Shannon divergence of the anchor frequencies, in bits: 0 identical, 1 disjoint.
    """

    shared: int
    first_only: int
    second_only: int
    divergence: float

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.shared:,} anchors shared, {self.first_only:,} only in the first, "
            f"{self.second_only:,} only in the second; Jensen-Shannon divergence {self.divergence:.3f} bits"
        )


def overlap(first: csr_matrix, second: csr_matrix) -> Overlap:
    """Compare (I1, q) and (I2, q) item-anchor matrices of one vocabulary.

    Raises:
        InputError: the numbers of anchors differ, or a domain has no anchors.
    """
    from scipy.spatial.distance import jensenshannon  # it takes longer to import than all else here

    if first.shape[1] != second.shape[1]:
        raise DataError(
            f"the domains have different vocabularies ({first.shape[1]} and {second.shape[1]} anchors)",
            code="no-anchors",
        )
    uses = [np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel() for matrix in (first, second)]
    if not all(use.sum() > 0 for use in uses):
        raise DataError(
            "one of the domains has no anchors, so there is nothing to compare",
            hint="Check the language of its titles, or build the vocabulary with this domain",
            code="no-anchors",
        )
    left, right = (use > 0 for use in uses)
    shared = int(np.count_nonzero(left & right))
    # scipy returns the square root. For nearly equal domains, rounding can make its argument negative.
    with np.errstate(invalid="ignore"):
        divergence = float(np.nan_to_num(jensenshannon(*uses, base=2))) ** 2
    return Overlap(shared, int(left.sum()) - shared, int(right.sum()) - shared, divergence)
