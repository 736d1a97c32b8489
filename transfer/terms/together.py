"""Together: what the users of an item had as well, for the recent items (`together`) and for all of them (`taste`)."""

from __future__ import annotations

from scipy.sparse import csr_matrix

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import ItemMatrix
from transfer.terms.base import Term
from transfer.terms.known import KnownItems


def items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return the companions of every item; None where nobody trains or nobody had two items."""
    return known.companion_items


def recent(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return the history, the recent items more."""
    return history_matrix(domain, targets, recency)


def whole(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return the history, all items alike."""
    return history_matrix(domain, targets)


TOGETHER = Term(
    name="together",
    summary="what the users of the recent items had as well",
    weights=("together",),
    items=items,
    users=recent,
    timed=True,
)
TASTE = Term(
    name="taste",
    summary="what the users of the whole history had as well",
    weights=("taste",),
    items=items,
    users=whole,
)
