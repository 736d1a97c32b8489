"""What a late term is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.tiles import InnerProducts, SparseProducts
from transfer.terms.known import KnownItems

Part = InnerProducts | SparseProducts
"""Scores of all items for some targets, never formed before they are asked for."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """Something that is added to the score of any model, or scores alone.

    Attributes:
        name: in variants and tables.
        summary: one line for people.
        weights: names of its weights in `TermWeights`, one a part.
        parts: its scores for the histories before some targets, by name of the weight. Called with what is known of
            the items, the interactions, the targets and the recency of `TermWeights`. A part whose ingredient is
            missing (no sentence encoder, nobody who trains) is left out.
    """

    name: str
    summary: str
    weights: tuple[str, ...]
    parts: Callable[[KnownItems, Domain, Targets, float], Mapping[str, Part]]
