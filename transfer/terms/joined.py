"""The weighted sum of a model's scores and late terms, or of the terms alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack, vstack
from torch import Tensor

from domains.domain import Domain, Ints
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import InnerProducts, ItemMatrix, SparseProducts, no_scores
from transfer.terms.known import KnownItems
from transfer.terms.late_terms import TERMS
from transfer.terms.term import Term
from transfer.terms.weights import TermWeights


@dataclass(frozen=True, eq=False, kw_only=True)
class JoinedItems:
    """The item matrices of a score with late terms, made once for any number of users.

    All dense terms are one product of matrices, all sparse ones another: each is a single pass over the scores.

    Attributes:
        known: the items.
        weights: weights of the terms.
        dense: (I, d) item vectors: those of the model, those of the dense terms, and the common columns of the sparse.
        terms: the dense terms, in the order of the columns.
        users: for each sparse item matrix, the weight and the term whose users it is multiplied with.
        common: columns of all sparse item matrices side by side that are in `dense`.
        rest: the other columns; `sparse` has these.
        sparse: (I, m) all sparse item matrices side by side, without the common columns; None without sparse terms.
    """

    known: KnownItems
    weights: TermWeights
    dense: Tensor
    terms: tuple[Term, ...]
    users: tuple[tuple[float, Term], ...]
    common: Ints
    rest: Ints
    sparse: ItemMatrix | None

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
        sparse: list[tuple[ItemMatrix, tuple[float, Term]]] = []
        for term in TERMS.values():
            used = {name: getattr(weights, name) for name in term.weights}
            found = [(weight, term.items(known, name)) for name, weight in used.items() if weight]
            matrices = [(weight, part) for weight, part in found if isinstance(part, ItemMatrix)]
            tensors = [weight * part for weight, part in found if isinstance(part, Tensor)]
            if tensors:
                terms.append(term)
                dense.append(torch.stack(tensors).sum(0) if len(tensors) > 1 else tensors[0])
            if len(matrices) > 1:
                total = known.summed([(weight, matrix.transposed) for weight, matrix in matrices])
                sparse.append((ItemMatrix(total), (1.0, term)))
            elif matrices:
                weight, matrix = matrices[0]
                sparse.append((matrix, (weight, term)))
        matrices_, users = [matrix for matrix, _ in sparse], tuple(users for _, users in sparse)
        common, rest, stacked = _side_by_side(matrices_)
        if len(common):
            dense.append(torch.from_numpy(stacked[common].toarray().T.astype(np.float32)).to(known.device))
        left = ItemMatrix(stacked[rest] if len(common) else stacked) if sparse else None
        return cls(
            known=known,
            weights=weights,
            # In this layout few users are multiplied up to five times as fast.
            dense=torch.cat([part.t() for part in dense]).t(),
            terms=tuple(terms),
            users=users,
            common=common,
            rest=rest,
            sparse=left,
        )

    def scores(self, own: ScoreRows | None, domain: Domain, targets: Targets) -> ScoreRows:
        """Return a model's scores plus the weighted terms.

        Args:
            own: scores of a model; inner products if `of` got the model's items; None if the terms score alone.
            domain: the interactions.
            targets: targets, whose histories are scored.
        """
        if own is not None and not self.terms and self.sparse is None:
            return own
        states = [own.states.float()] if isinstance(own, InnerProducts) else []
        states += [self._users(term, domain, targets) for term in self.terms]
        sparse: tuple[SparseProducts, ...] = ()
        if self.sparse is not None:
            histories = self._histories(domain, targets)
            if len(self.common):
                common = histories[:, self.common].toarray().astype(np.float32)
                states.append(torch.from_numpy(common).to(self.known.device))
                histories = histories[:, self.rest]
            sparse = (SparseProducts(histories, self.sparse, self.known.device),)
        if not states:
            added = no_scores(len(targets), self.known.count, self.known.device, sparse)
        else:
            added = InnerProducts(torch.cat(states, dim=1), self.dense, sparse)
        if own is None or isinstance(own, InnerProducts):
            return added
        return lambda rows: own(rows).add_(added(rows))

    def _histories(self, domain: Domain, targets: Targets) -> csr_matrix:
        """Return (n, m) the weighted users of all sparse item matrices side by side."""
        parts = [csr_matrix(weight * self._users(term, domain, targets)) for weight, term in self.users]
        return hstack(parts, format="csr")

    def _users(self, term: Term, domain: Domain, targets: Targets) -> Tensor:
        return term.users(self.known, domain, targets, self.weights.recency)


def _side_by_side(matrices: list[ItemMatrix]) -> tuple[Ints, Ints, csr_matrix]:
    """Return the common columns of some item matrices side by side, the other columns, and (m, I) all of them."""
    nothing = np.empty(0, np.int64)
    if not matrices:
        return nothing, nothing, csr_matrix((0, 0), dtype=np.float32)
    stacked = vstack([matrix.transposed for matrix in matrices], format="csr")
    firsts = np.cumsum([0, *(matrix.transposed.shape[0] for matrix in matrices)])
    common = np.concatenate([first + matrix.common for first, matrix in zip(firsts, matrices, strict=False)])
    return common, np.setdiff1d(np.arange(stacked.shape[0]), common), stacked


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
