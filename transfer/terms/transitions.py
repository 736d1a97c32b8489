"""Transitions: what other users had after the recent items, before them, and two transitions away from them."""

from __future__ import annotations

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.tiles import SparseProducts
from transfer.terms.base import Part, Term
from transfer.terms.following import recent_items
from transfer.terms.known import KnownItems


def parts(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
    """Return three scores of the last three items; nothing where nobody trains or nothing follows anything."""
    follows = known.transitions
    if follows is None:
        return {}
    recent = recent_items(domain, targets)
    return {
        "transitions": SparseProducts(recent, follows.forward, known.device),
        "backward": SparseProducts(recent, follows.backward, known.device),
        "onward": SparseProducts(recent, follows.onward, known.device),
    }


TRANSITIONS = Term(
    name="transitions",
    summary="what other users had after the recent items",
    weights=("transitions", "backward", "onward"),
    parts=parts,
)
