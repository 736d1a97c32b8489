"""Titles: cosine between an item's sentence vector and the weighted sum of the history's."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import InnerProducts
from transfer.terms.base import Part, Term
from transfer.terms.known import KnownItems


def parts(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
    """Return the cosines, in [-1, 1]; nothing without title vectors."""
    if known.title_vectors is None or known.titles is None:
        return {}
    history = history_matrix(domain, targets, recency)
    users = F.normalize(torch.from_numpy(history @ known.title_vectors.numpy()).to(known.device), dim=-1)
    return {"titles": InnerProducts(users, known.titles)}


TITLES = Term(name="titles", summary="texts like those of the recent items", weights=("titles",), parts=parts)
