"""`Term`: the definition of a late term."""

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
"""Scores of all items for some targets, computed on access."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """Products of users and items that are added to the score of any model, or used alone.

    Attributes:
        name: its name in variants and tables.
        summary: its description in one line.
        weights: names of its weights in `TermWeights`, one for each part.
        items: returns the items of a part, (I, s) or (I, m), by name of the weight; None if data are missing (no
            sentence encoder, no training users).
        users: returns the histories before some targets, (n, s) or (n, m), the same for every part. Called with the
            known items, the interactions, the targets, and the recency of `TermWeights`.
        timed: whether it depends on the recency.
    """

    name: str
    summary: str
    weights: tuple[str, ...]
    items: Callable[[KnownItems, str], Tensor | ItemMatrix | None]
    users: Callable[[KnownItems, Domain, Targets, float], Tensor | csr_matrix]
    timed: bool = False

    def parts(self, known: KnownItems, domain: Domain, targets: Targets, recency: float) -> dict[str, Part]:
        """Return the scores of each part by name of its weight, without parts whose data are missing."""
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
