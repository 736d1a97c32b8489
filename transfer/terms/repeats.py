"""Repeats: whether a user had an item before. A negative weight leaves such items out, a positive one repeats them."""

from __future__ import annotations

from scipy.sparse import csr_matrix

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import ItemMatrix
from transfer.terms.base import Term
from transfer.terms.known import KnownItems


def items(known: KnownItems, part: str) -> ItemMatrix:
    """Return the identity."""
    return known.identity


def users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return 1 for every item of the history."""
    return history_matrix(domain, targets, recency=1.0)


REPEATS = Term(name="repeats", summary="what the user had before", weights=("repeats",), items=items, users=users)
