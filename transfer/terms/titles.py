"""Titles: cosine between an item's sentence vector and the weighted sum of the history's."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.terms.base import Term
from transfer.terms.known import KnownItems


def items(known: KnownItems, part: str) -> Tensor | None:
    """Return unit rows; None without title vectors."""
    return known.titles


def users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> Tensor:
    """Return unit rows: the scores are cosines, in [-1, 1]."""
    if known.titles is None:
        raise ValueError("there are no title vectors")
    history = history_matrix(domain, targets, recency)
    return F.normalize(torch.from_numpy(history @ known.titles.cpu().numpy()).to(known.device), dim=-1)


TITLES = Term(
    name="titles",
    summary="texts like those of the recent items",
    weights=("titles",),
    items=items,
    users=users,
    timed=True,
)
