"""A model's scores plus late terms at their weights, or the terms alone."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import InnerProducts, SparseProducts
from transfer.terms.base import Part
from transfer.terms.known import KnownItems
from transfer.terms.registry import TERMS
from transfer.terms.weights import TermWeights


def joined(
    own: ScoreRows | None, known: KnownItems, domain: Domain, targets: Targets, weights: TermWeights
) -> ScoreRows:
    """Return scores plus the terms at their weights; a term of weight 0 is not computed.

    Args:
        own: scores of a model; None where the terms score alone.
        known: the items.
        domain: the interactions.
        targets: whose histories are scored.
        weights: of the terms.
    """
    parts = list(weighted_parts(known, domain, targets, weights))
    if own is not None and not parts:
        return own
    products = [(weight, part) for weight, part in parts if isinstance(part, InnerProducts)]
    sparse = tuple((weight, part) for weight, part in parts if isinstance(part, SparseProducts))
    if own is None and not products:
        nothing = torch.zeros(len(targets), 1, device=known.device)
        products = [(1.0, InnerProducts(nothing, torch.zeros(domain.n_items, 1, device=known.device)))]
    if own is None or isinstance(own, InnerProducts):
        return _together([(1.0, own), *products] if own is not None else products, sparse)
    added = _together(products, sparse) if products else None

    def score_rows(rows: Tensor) -> Tensor:
        scores = own(rows)
        if added is not None:
            return scores.add_(added(rows))
        for weight, part in sparse:
            part.add_to(scores, rows, weight)
        return scores

    return score_rows


def weighted_parts(
    known: KnownItems, domain: Domain, targets: Targets, weights: TermWeights
) -> Iterable[tuple[float, Part]]:
    """Yield every part that has a weight and whose ingredients are known."""
    for term in TERMS.values():
        if any(getattr(weights, name) for name in term.weights):
            for name, part in term.parts(known, domain, targets, weights.recency).items():
                weight = getattr(weights, name)
                if weight:
                    yield weight, part


def _together(
    products: list[tuple[float, InnerProducts]], sparse: tuple[tuple[float, SparseProducts], ...]
) -> InnerProducts:
    """Return one inner product for several: states side by side, each at its weight."""
    states = torch.cat([part.states.float() * weight for weight, part in products], dim=1)
    return InnerProducts(states, torch.cat([part.items.float() for _, part in products], dim=1), sparse)
