"""Transitions: what other users had after the recent items, before them, and two transitions away from them."""

from __future__ import annotations

from scipy.sparse import csr_matrix

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.tiles import ItemMatrix
from transfer.terms.base import Term
from transfer.terms.following import recent_items
from transfer.terms.known import KnownItems


def items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return which items every item is near to; None where nobody trains or nothing follows anything."""
    return None if known.transitions is None else ItemMatrix(known.transitions.part(part))


def users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return the last three items."""
    return recent_items(domain, targets)


TRANSITIONS = Term(
    name="transitions",
    summary="what other users had after the recent items",
    weights=("transitions", "backward", "onward"),
    items=items,
    users=users,
)
