"""What a late term is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.tiles import InnerProducts, ItemMatrix, SparseProducts
from transfer.terms.known import KnownItems

Part = InnerProducts | SparseProducts
"""Scores of all items for some targets, never formed before they are asked for."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """Something that is added to the score of any model, or scores alone: products of users and items.

    Attributes:
        name: in variants and tables.
        summary: one line for people.
        weights: names of its weights in `TermWeights`, one a part.
        items: what users are multiplied with, by name of the weight: (I, s) or (I, m); None if an ingredient is
            missing (no sentence encoder, nobody who trains).
        users: the histories before some targets, (n, s) or (n, m), the same for every part. Called with what is known
            of the items, the interactions, the targets and the recency of `TermWeights`.
        timed: whether the recency matters.
    """

    name: str
    summary: str
    weights: tuple[str, ...]
    items: Callable[[KnownItems, str], Tensor | ItemMatrix | None]
    users: Callable[[KnownItems, Domain, Targets, float], Tensor | csr_matrix]
    timed: bool = False

    def parts(self, known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
        """Return the scores of each part, by name of its weight; a part whose ingredient is missing is left out."""
        found = {name: self.items(known, name) for name in self.weights}
        items = {name: part for name, part in found.items() if part is not None}
        if not items:
            return {}
        users = self.users(known, domain, targets, recency)
        return {
            name: SparseProducts(users, part, known.device)
            if isinstance(part, ItemMatrix)
            else InnerProducts(users, part)
            for name, part in items.items()
        }
