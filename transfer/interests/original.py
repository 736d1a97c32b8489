"""The original interest distribution s'_0 of users over anchors (Section 3.3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from domains.domain import Domain, Ints, TimeKind, spread
from transfer.interests.settings import InterestSettings
from transfer.sparse import unit_rows


def interaction_weights(
    domain: Domain, starts: Ints, stops: Ints, settings: InterestSettings
) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Weigh the interactions of each span: w_min + (t - t_first) / (t_last - t_first) * (w_max - w_min).

    If times are only an order, positions replace times. If all times are equal, the weight is w_max.

    Args:
        domain: the interactions.
        starts: (U,) first flat position of each span.
        stops: (U,) one past the last; a span may be empty.
        settings: w_min and w_max.

    Returns:
        rows (n,) int64, flat positions (n,) int64 and weights (n,) float32 of the interactions in the spans.
    """
    lengths = np.maximum(stops - starts, 0)
    rows, positions = spread(starts, lengths)
    if domain.time_kind is TimeKind.ORDER:
        elapsed, span = (positions - starts[rows]).astype(np.float64), (lengths - 1)[rows].astype(np.float64)
    else:
        last = np.maximum(stops - 1, 0)[rows]
        elapsed = (domain.times[positions] - domain.times[starts[rows]]).astype(np.float64)
        span = (domain.times[last] - domain.times[starts[rows]]).astype(np.float64)
    share = np.divide(elapsed, span, out=np.ones_like(elapsed), where=span > 0)
    weights = settings.w_min + share * (settings.w_max - settings.w_min)
    return rows, positions, weights.astype(np.float32)


def original_interests(
    domain: Domain,
    item_anchors: csr_matrix,
    starts: Ints,
    stops: Ints,
    settings: InterestSettings,
    idf: npt.NDArray[np.float32] | None = None,
) -> csr_matrix:
    """Compute s'_0: each anchor of an item gets the weight of the interaction; weights of equal anchors are added.

    Args:
        domain: the interactions.
        item_anchors: (I, q) item-sememe dependency matrix D^S.
        starts: (U,) span starts, see `interaction_weights`.
        stops: (U,) span stops.
        settings: weights and transform.
        idf: (q,), needed by the transform ``idf``.

    Returns:
        (U, q) float32 CSR.
    """
    rows, positions, weights = interaction_weights(domain, starts, stops, settings)
    history = csr_matrix((weights, (rows, domain.items[positions])), shape=(len(starts), domain.n_items))
    interests = (history @ item_anchors).tocsr().astype(np.float32)
    if settings.transform == "idf":
        if idf is None:
            raise ValueError("the transform 'idf' needs the vocabulary's IDF")
        interests = interests.multiply(idf[None, :]).tocsr()
    elif settings.transform == "unit":
        interests = unit_rows(interests)
    interests.sort_indices()
    return interests.astype(np.float32)


def known_anchor_counts(domain: Domain, item_anchors: csr_matrix, starts: Ints, stops: Ints) -> Ints:
    """Count the distinct anchors of the items in each span: (U,) int64.

    Args:
        domain: the interactions.
        item_anchors: (I, q).
        starts: (U,) span starts.
        stops: (U,) span stops.
    """
    rows, positions, weights = interaction_weights(domain, starts, stops, InterestSettings(w_min=1, w_max=1))
    history = csr_matrix((weights, (rows, domain.items[positions])), shape=(len(starts), domain.n_items))
    counts: Ints = np.diff((history @ item_anchors).tocsr().indptr).astype(np.int64)
    return counts
