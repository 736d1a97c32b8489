"""The registry of the late terms that a variant can name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transfer.terms.interaction_terms import POPULARITY, RECENT, REPEATS, TASTE, TOGETHER, TRANSITIONS
from transfer.terms.term import Term
from transfer.terms.text_terms import ANCHORS, TITLES

TERMS: Mapping[str, Term] = {
    term.name: term for term in (TITLES, ANCHORS, POPULARITY, RECENT, TRANSITIONS, TOGETHER, TASTE, REPEATS)
}
"""All late terms by name, in their order in labels."""


def weights_of(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the weights of some terms."""
    return tuple(weight for term in terms for weight in TERMS[term].weights)
