"""Late terms that count interactions: popularity, transitions, what is had together, and repeats."""

from __future__ import annotations

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import ItemMatrix
from transfer.terms.item_pairs import recent_items
from transfer.terms.known import KnownItems
from transfer.terms.term import Term


def popular_items(known: KnownItems, part: str) -> Tensor | None:
    """Return one column in [0, 1]; None where nobody trains."""
    return None if known.popularity is None else known.popularity[:, None]


def everybody(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> Tensor:
    """Return ones: every target gets the same scores."""
    return torch.ones(len(targets), 1, device=known.device)


POPULARITY = Term(
    name="popularity", summary="what many users had", weights=("popularity",), items=popular_items, users=everybody
)
"""The logarithm of how often the training users had an item."""


def linked_items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return which items every item is near to; None where nobody trains or nothing follows anything."""
    return None if known.transitions is None else ItemMatrix(known.transitions.part(part))


def last_items(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return the last three items."""
    return recent_items(domain, targets)


TRANSITIONS = Term(
    name="transitions",
    summary="what other users had after the recent items",
    weights=("transitions", "backward", "onward"),
    items=linked_items,
    users=last_items,
)
"""What other users had after the recent items, before them, and two transitions away from them."""


def companion_items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return the companions of every item; None where nobody trains or nobody had two items."""
    return known.companion_items


def recent_history(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return the history, the recent items more."""
    return history_matrix(domain, targets, recency)


def whole_history(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return the history, all items alike."""
    return history_matrix(domain, targets)


TOGETHER = Term(
    name="together",
    summary="what the users of the recent items had as well",
    weights=("together",),
    items=companion_items,
    users=recent_history,
    timed=True,
)
"""What the users of an item had as well, for the recent items."""
TASTE = Term(
    name="taste",
    summary="what the users of the whole history had as well",
    weights=("taste",),
    items=companion_items,
    users=whole_history,
)
"""The same for all items of the history."""


def same_items(known: KnownItems, part: str) -> ItemMatrix:
    """Return the identity."""
    return known.identity


REPEATS = Term(
    name="repeats", summary="what the user had before", weights=("repeats",), items=same_items, users=whole_history
)
"""Whether a user had an item before. A negative weight leaves such items out, a positive one repeats them."""
