"""Late terms that count interactions: popularity, transitions, companions, and repeats."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.target_histories import history_counts, history_matrix
from transfer.evaluation.tiles import ItemMatrix
from transfer.terms.item_pairs import recent_items
from transfer.terms.known import KnownItems
from transfer.terms.term import Term


def popular_items(known: KnownItems, part: str) -> Tensor | None:
    """Return (I, 1) popularity in [0, 1], or None without training users."""
    return None if known.popularity is None else known.popularity[:, None]


def all_alike(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> Tensor:
    """Return (n, 1) ones: all users get the same scores."""
    return torch.ones(len(targets), 1, device=known.device)


POPULARITY = Term(
    name="popularity", summary="what many users had", weights=("popularity",), items=popular_items, users=all_alike
)
"""Logarithm of the number of training interactions of an item."""


def item_levels(known: KnownItems, part: str) -> Tensor | None:
    """Return (I, s) levels at some moments, or None without times or training users."""
    return known.recent_levels


def moment_of(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> Tensor:
    """Return (n, s) 1 at the moment of each target, else 0."""
    if known.recent is None:
        raise ValueError("no level is known")
    rows = torch.from_numpy(known.recent.rows(domain, targets)).to(known.device)
    return torch.nn.functional.one_hot(rows, len(known.recent.levels)).float()


RECENT = Term(
    name="recent", summary="what many users had shortly before", weights=("recent",), items=item_levels, users=moment_of
)
"""Logarithm of the number of interactions of an item, of which recent ones count more."""


def linked_items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return the transitions of one part, or None if there are none."""
    return None if known.transitions is None else ItemMatrix(known.transitions.part(part))


def last_items(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return (n, I) the last three items."""
    return recent_items(domain, targets)


TRANSITIONS = Term(
    name="transitions",
    summary="what other users had after the recent items",
    weights=("transitions", "backward", "onward"),
    items=linked_items,
    users=last_items,
)
"""Items that other users had after the recent items, before them, or two transitions away."""


def companion_items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return the companions of every item, or None if there are none."""
    return known.companion_items


def recent_history(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return (n, I) the history, with more weight on recent items."""
    return history_matrix(domain, targets, recency)


def whole_history(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return (n, I) the history, with equal weights."""
    return history_matrix(domain, targets)


TOGETHER = Term(
    name="together",
    summary="what the users of the recent items also had",
    weights=("together",),
    items=companion_items,
    users=recent_history,
    timed=True,
)
"""Companions of the recent items: items that the same users had."""


def taste_items(known: KnownItems, part: str) -> ItemMatrix | None:
    """Return the weights of the linear item model, or None if there are none."""
    return known.taste_items


TASTE = Term(
    name="taste",
    summary="what the whole history speaks for",
    weights=("taste",),
    items=taste_items,
    users=whole_history,
)
"""Score of a linear item model (EASE) for the whole history."""


def same_items(known: KnownItems, part: str) -> ItemMatrix:
    """Return the identity matrix."""
    return known.identity


def own_counts(known: KnownItems, domain: Domain, targets: Targets, recency: float) -> csr_matrix:
    """Return (n, I) log2(1 + c), where the user had an item c times: 1 for an item had once."""
    counts = history_counts(domain, targets)
    counts.data = np.log2(1 + counts.data)
    return counts


REPEATS = Term(
    name="repeats", summary="what the user had before", weights=("repeats",), items=same_items, users=own_counts
)
"""How often the user had an item. A negative weight avoids such items, a positive one recommends them again."""
