"""Repeats: whether a user had an item before. A negative weight leaves such items out, a positive one repeats them."""

from __future__ import annotations

from scipy.sparse import identity

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import SparseProducts
from transfer.terms.base import Part, Term
from transfer.terms.known import KnownItems


def parts(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
    """Return 1 for every item of the history, 0 for the others."""
    seen = history_matrix(domain, targets, recency=1.0)
    return {"repeats": SparseProducts(seen, identity(domain.n_items, dtype=seen.dtype, format="csr"), known.device)}


REPEATS = Term(name="repeats", summary="what the user had before", weights=("repeats",), parts=parts)
