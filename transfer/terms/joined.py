"""A model's scores plus late terms at their weights, or the terms alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import InnerProducts, ItemMatrix, SparseProducts, no_scores
from transfer.terms.base import Term
from transfer.terms.known import KnownItems
from transfer.terms.registry import TERMS
from transfer.terms.weights import TermWeights


@dataclass(frozen=True, eq=False)
class JoinedItems:
    """The items' side of a score with late terms, made once for any number of users.

    Attributes:
        known: the items.
        weights: of the terms.
        dense: (I, d) what states are multiplied with: the model's items, then those of the dense terms.
        terms: the dense terms, in the order of the columns.
        sparse: the others, each with the sum of its parts at their weights.
    """

    known: KnownItems
    weights: TermWeights
    dense: Tensor
    terms: tuple[Term, ...]
    sparse: tuple[tuple[Term, ItemMatrix], ...]

    @classmethod
    def of(cls, known: KnownItems, weights: TermWeights, own: Tensor | None = None) -> Self:
        """Collect the items of every term that has a weight and whose ingredients are known.

        Args:
            known: the items.
            weights: of the terms; one of weight 0 is not computed.
            own: (I, d) the model's items; None where the terms score alone.
        """
        dense = [torch.zeros(known.count, 0, device=known.device) if own is None else own.float()]
        terms: list[Term] = []
        sparse: list[tuple[Term, ItemMatrix]] = []
        for term in TERMS.values():
            used = {name: getattr(weights, name) for name in term.weights}
            found = [(weight, term.items(known, name)) for name, weight in used.items() if weight]
            matrices = [(weight, part.transposed) for weight, part in found if isinstance(part, ItemMatrix)]
            tensors = [weight * part for weight, part in found if isinstance(part, Tensor)]
            if matrices:
                total = matrices[0][0] * matrices[0][1]
                for weight, matrix in matrices[1:]:
                    total = total + weight * matrix
                sparse.append((term, ItemMatrix(total.tocsr())))
            if tensors:
                terms.append(term)
                dense.append(torch.stack(tensors).sum(0) if len(tensors) > 1 else tensors[0])
        return cls(known, weights, torch.cat(dense, dim=1), tuple(terms), tuple(sparse))

    def scores(self, own: ScoreRows | None, domain: Domain, targets: Targets) -> ScoreRows:
        """Return scores plus the terms at their weights.

        Args:
            own: scores of a model; inner products if `of` was called with the model's items; None for the terms alone.
            domain: the interactions.
            targets: whose histories are scored.
        """
        if own is not None and not self.terms and not self.sparse:
            return own
        states = [own.states.float()] if isinstance(own, InnerProducts) else []
        states += [self._users(term, domain, targets) for term in self.terms]
        sparse = tuple(
            SparseProducts(self._users(term, domain, targets), matrix, self.known.device)
            for term, matrix in self.sparse
        )
        if not states:
            added = no_scores(len(targets), self.known.count, self.known.device, sparse)
        else:
            added = InnerProducts(torch.cat(states, dim=1), self.dense, sparse)
        if own is None or isinstance(own, InnerProducts):
            return added
        return lambda rows: own(rows).add_(added(rows))

    def _users(self, term: Term, domain: Domain, targets: Targets) -> Tensor:
        return term.users(self.known, domain, targets, self.weights.recency)


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
    items = own.items if isinstance(own, InnerProducts) else None
    if isinstance(own, InnerProducts) and own.sparse:
        inner = own
        return JoinedItems.of(known, weights).scores(lambda rows: inner(rows), domain, targets)
    return JoinedItems.of(known, weights, items).scores(own, domain, targets)
