"""Anchors: cosine between an item's IDF-weighted anchors and the weighted sum of the history's."""

from __future__ import annotations

from scipy.sparse import csr_matrix

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import ItemMatrix
from transfer.sparse import unit_rows
from transfer.terms.base import Term
from transfer.terms.known import KnownItems


def items(known: KnownItems, part: str) -> ItemMatrix:
    """Return unit rows."""
    return known.anchors


def users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return unit rows: the scores are cosines, in [0, 1]."""
    return unit_rows((history_matrix(domain, targets, recency) @ known.weighted_anchors).tocsr())


ANCHORS = Term(
    name="anchors",
    summary="words shared with the recent items",
    weights=("anchors",),
    items=items,
    users=users,
    timed=True,
)
