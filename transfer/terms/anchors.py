"""Anchors: cosine between an item's IDF-weighted anchors and the weighted sum of the history's."""

from __future__ import annotations

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import SparseProducts
from transfer.sparse import unit_rows
from transfer.terms.base import Part, Term
from transfer.terms.known import KnownItems


def parts(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
    """Return the cosines, in [0, 1]."""
    users = unit_rows((history_matrix(domain, targets, recency) @ known.weighted_anchors).tocsr())
    return {"anchors": SparseProducts(users, known.unit_anchors.T, known.device)}


ANCHORS = Term(name="anchors", summary="words shared with the recent items", weights=("anchors",), parts=parts)
