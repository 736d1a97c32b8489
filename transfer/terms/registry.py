"""The late terms that a variant can name, each in a file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transfer.terms.anchors import ANCHORS
from transfer.terms.base import Term
from transfer.terms.popularity import POPULARITY
from transfer.terms.repeats import REPEATS
from transfer.terms.titles import TITLES
from transfer.terms.together import TASTE, TOGETHER
from transfer.terms.transitions import TRANSITIONS

TERMS: Mapping[str, Term] = {
    term.name: term for term in (TITLES, ANCHORS, POPULARITY, TRANSITIONS, TOGETHER, TASTE, REPEATS)
}
"""Every late term by its name, in the order of labels."""


def weights_of(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the weights of some terms."""
    return tuple(weight for term in terms for weight in TERMS[term].weights)
