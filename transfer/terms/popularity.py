"""Popularity: the logarithm of how often the training users had an item."""

from __future__ import annotations

import torch

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.tiles import InnerProducts
from transfer.terms.base import Part, Term
from transfer.terms.known import KnownItems


def parts(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
    """Return the same scores, in [0, 1], for every target; nothing where nobody trains."""
    if known.popularity is None:
        return {}
    return {"popularity": InnerProducts(torch.ones(len(targets), 1, device=known.device), known.popularity[:, None])}


POPULARITY = Term(name="popularity", summary="what many users had", weights=("popularity",), parts=parts)
