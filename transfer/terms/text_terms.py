"""Late terms that compare the texts of items with the texts of the history: titles and anchors."""

from __future__ import annotations

import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import ItemMatrix
from transfer.sparse import unit_rows
from transfer.terms.known import KnownItems
from transfer.terms.term import Term


def title_items(known: KnownItems, part: str) -> Tensor | None:
    """Return (I, t) unit rows, or None without title vectors."""
    return known.titles


def title_users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> Tensor:
    """Return (n, t) unit rows, so that scores are cosines in [-1, 1]."""
    if known.titles is None:
        raise ValueError("there are no title vectors")
    history = history_matrix(domain, targets, recency)
    return F.normalize(torch.from_numpy(history @ known.titles.cpu().numpy()).to(known.device), dim=-1)


TITLES = Term(
    name="titles",
    summary="texts like those of the recent items",
    weights=("titles",),
    items=title_items,
    users=title_users,
    timed=True,
)
"""Cosine between an item's sentence vector and the weighted sum of the history's."""


def anchor_items(known: KnownItems, part: str) -> ItemMatrix:
    """Return (I, q) unit rows."""
    return known.anchors


def anchor_users(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return (n, q) unit rows, so that scores are cosines in [0, 1]."""
    return unit_rows((history_matrix(domain, targets, recency) @ known.weighted_anchors).tocsr())


ANCHORS = Term(
    name="anchors",
    summary="words shared with the recent items",
    weights=("anchors",),
    items=anchor_items,
    users=anchor_users,
    timed=True,
)
"""Cosine between an item's IDF-weighted anchors and the weighted sum of the history's."""
