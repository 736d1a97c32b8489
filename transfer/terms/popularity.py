"""Popularity: the logarithm of how often the training users had an item."""

from __future__ import annotations

import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.terms.base import Term
from transfer.terms.known import KnownItems


def items(known: KnownItems, part: str) -> Tensor | None:
    """Return one column in [0, 1]; None where nobody trains."""
    return None if known.popularity is None else known.popularity[:, None]


def users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> Tensor:
    """Return ones: every target gets the same scores."""
    return torch.ones(len(targets), 1, device=known.device)


POPULARITY = Term(name="popularity", summary="what many users had", weights=("popularity",), items=items, users=users)
