"""The weighted sum of a model's scores and late terms, or of the terms alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import torch
from scipy.sparse import csr_matrix, hstack, vstack
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import InnerProducts, ItemMatrix, SparseProducts, no_scores
from transfer.terms.known import KnownItems
from transfer.terms.late_terms import TERMS
from transfer.terms.term import Term
from transfer.terms.weights import TermWeights


@dataclass(frozen=True, eq=False)
class JoinedItems:
    """The item matrices of a score with late terms, made once for any number of users.

    Attributes:
        known: the items.
        weights: weights of the terms.
        dense: (I, d) item vectors: those of the model, then those of the dense terms.
        terms: the dense terms, in the order of the columns.
        sparse: the sparse terms: an item matrix, and the terms whose users it is multiplied with, with their weights.
    """

    known: KnownItems
    weights: TermWeights
    dense: Tensor
    terms: tuple[Term, ...]
    sparse: tuple[tuple[ItemMatrix, tuple[tuple[float, Term], ...]], ...]
    _stacks: dict[tuple[int, ...], ItemMatrix] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, known: KnownItems, weights: TermWeights, own: Tensor | None = None) -> Self:
        """Collect the item matrices of the terms that have a weight and whose data exist.

        Args:
            known: the items.
            weights: weights of the terms; a term with weight 0 is not computed.
            own: (I, d) item vectors of the model; None if the terms score alone.
        """
        dense = [torch.zeros(known.count, 0, device=known.device) if own is None else own.float()]
        terms: list[Term] = []
        sparse: list[tuple[ItemMatrix, tuple[tuple[float, Term], ...]]] = []
        for term in TERMS.values():
            used = {name: getattr(weights, name) for name in term.weights}
            found = [(weight, term.items(known, name)) for name, weight in used.items() if weight]
            matrices = [(weight, part) for weight, part in found if isinstance(part, ItemMatrix)]
            tensors = [weight * part for weight, part in found if isinstance(part, Tensor)]
            if tensors:
                terms.append(term)
                dense.append(torch.stack(tensors).sum(0) if len(tensors) > 1 else tensors[0])
            if len(matrices) > 1:
                total = sum(weight * matrix.transposed for weight, matrix in matrices)
                sparse.append((ItemMatrix(total.tocsr()), ((1.0, term),)))
            for weight, matrix in matrices if len(matrices) == 1 else ():
                same = next((place for place, (other, _) in enumerate(sparse) if other is matrix), None)
                if same is None:
                    sparse.append((matrix, ((weight, term),)))
                else:  # the same items with other users: add up the users, and multiply once
                    sparse[same] = (matrix, (*sparse[same][1], (weight, term)))
        return cls(known, weights, torch.cat(dense, dim=1), tuple(terms), tuple(sparse))

    def scores(self, own: ScoreRows | None, domain: Domain, targets: Targets) -> ScoreRows:
        """Return a model's scores plus the weighted terms.

        Args:
            own: scores of a model; inner products if `of` got the model's items; None if the terms score alone.
            domain: the interactions.
            targets: targets, whose histories are scored.
        """
        if own is not None and not self.terms and not self.sparse:
            return own
        states = [own.states.float()] if isinstance(own, InnerProducts) else []
        states += [self._users(term, domain, targets) for term in self.terms]
        sparse = self._stacked(
            [
                SparseProducts(
                    csr_matrix(sum(weight * self._users(term, domain, targets) for weight, term in parts)),
                    matrix,
                    self.known.device,
                )
                for matrix, parts in self.sparse
            ]
        )
        if not states:
            added = no_scores(len(targets), self.known.count, self.known.device, sparse)
        else:
            added = InnerProducts(torch.cat(states, dim=1), self.dense, sparse)
        if own is None or isinstance(own, InnerProducts):
            return added
        return lambda rows: own(rows).add_(added(rows))

    def _stacked(self, products: list[SparseProducts]) -> tuple[SparseProducts, ...]:
        """Join products whose users stay sparse into one: users side by side, items one below the other."""
        chosen = tuple(place for place, product in enumerate(products) if not product.makes_dense)
        if len(chosen) < 2:
            return tuple(products)
        if chosen not in self._stacks:
            parts = [products[place].items.transposed for place in chosen]
            self._stacks[chosen] = ItemMatrix(vstack(parts, format="csr"))
        users = hstack([products[place].users for place in chosen], format="csr")
        together = SparseProducts(users, self._stacks[chosen], self.known.device, dense=False)
        return (*(product for product in products if product.makes_dense), together)

    def _users(self, term: Term, domain: Domain, targets: Targets) -> Tensor:
        return term.users(self.known, domain, targets, self.weights.recency)


def joined(
    own: ScoreRows | None, known: KnownItems, domain: Domain, targets: Targets, weights: TermWeights
) -> ScoreRows:
    """Return a model's scores plus the weighted terms; a term with weight 0 is not computed.

    Args:
        own: scores of a model; None if the terms score alone.
        known: the items.
        domain: the interactions.
        targets: targets, whose histories are scored.
        weights: weights of the terms.
    """
    items = own.items if isinstance(own, InnerProducts) else None
    if isinstance(own, InnerProducts) and own.sparse:
        inner = own
        return JoinedItems.of(known, weights).scores(lambda rows: inner(rows), domain, targets)
    return JoinedItems.of(known, weights, items).scores(own, domain, targets)
