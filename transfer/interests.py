"""Users' interests over anchors: the original distribution s'_0 and what stands for it in a prompt (Section 3.3)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from domains.domain import Domain, Ints, TimeKind
from recipes.settings import InterestSettings
from transfer.sparse import SparseRows
from transfer.unit_rows import unit_rows


def interaction_weights(
    domain: Domain, starts: Ints, stops: Ints, settings: InterestSettings
) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Weights of every interaction in some spans: w_min + (t - t_first) / (t_last - t_first) * (w_max - w_min).

    Where times are only an order, position takes the place of time. All times equal: w_max.

    Args:
        domain: the interactions.
        starts: (U,) first flat position of each span.
        stops: (U,) one past the last; a span may be empty.
        settings: w_min and w_max.

    Returns:
        rows (n,) int64, flat positions (n,) int64 and weights (n,) float32 of the interactions in the spans.
    """
    lengths = np.maximum(stops - starts, 0)
    rows = np.repeat(np.arange(len(starts), dtype=np.int64), lengths)
    first = np.cumsum(lengths) - lengths
    within = np.arange(len(rows), dtype=np.int64) - first[rows]
    positions = starts[rows] + within
    if domain.time_kind is TimeKind.ORDER:
        elapsed, span = within.astype(np.float64), (lengths - 1)[rows].astype(np.float64)
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
    """s'_0: every anchor of an item gets the interaction's weight, equal anchors are summed.

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
    """(U,) int64, how many different anchors the items of each span have.

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


class Interests(Protocol):
    """Interests of a fixed list of users, in whatever form is compact. All that a prompt generator needs of them."""

    width: int

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) float32 interests of users (B,) int64."""
        ...

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """Rows times weight.T, (B, m) for a weight (m, q), by the cheapest way that this form allows."""
        ...


class NoInterests:
    """Zeros for everyone: what turns prompts into learned constants (the control `constant`)."""

    def __init__(self, width: int) -> None:
        self.width = width

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) zeros."""
        return torch.zeros(len(users), self.width, device=users.device)

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m) zeros that still lie on the graph of `weight`, so that its gradient is zero and not missing."""
        return weight.new_zeros(len(users), len(weight)) + 0.0 * weight.sum()


class RawInterests:
    """s'_0 itself, sparse."""

    def __init__(self, matrix: csr_matrix, device: torch.device | str = "cpu") -> None:
        self.matrix = SparseRows.from_csr(matrix, device)
        self.width = self.matrix.width

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) dense rows."""
        return self.matrix.take(users).dense()

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """A weighted embedding bag over the anchors that a user has."""
        rows = self.matrix.take(users)
        table = weight.t().contiguous()
        return F.embedding_bag(
            rows.columns, table, rows.offsets, mode="sum", per_sample_weights=rows.values.to(table.dtype)
        )


class DiffusedInterests:
    """x_0 kept as h-wide hidden states and the shared read-out: x_0 = carried * s'_0 + hidden @ readout.T + bias.

    U x q numbers are never held unless they fit in `dense_budget` bytes, in which case they are faster.

    Args:
        hidden: (U, h).
        readout: (q, h), the denoiser's W_out.
        bias: (q,).
        carried: weight of s'_0.
        raw: s'_0, needed only where `carried` is not 0.
        dense_budget: bytes.
    """

    def __init__(
        self,
        hidden: Tensor,
        readout: Tensor,
        bias: Tensor,
        carried: float = 0.0,
        raw: RawInterests | None = None,
        dense_budget: int = 1 << 30,
    ) -> None:
        if carried and raw is None:
            raise ValueError("interests that carry s'_0 need it")
        self.hidden, self.readout, self.bias = hidden, readout, bias
        self.carried, self.raw = carried, raw
        self.width = len(readout)
        fits = len(hidden) * self.width * 4 <= dense_budget
        everyone = torch.arange(len(hidden), device=readout.device)
        self.dense = self._form(everyone) if fits else None

    def _form(self, users: Tensor) -> Tensor:
        formed = torch.addmm(self.bias, self.hidden[users].to(self.readout), self.readout.t())
        if self.carried and self.raw is not None:
            formed += self.carried * self.raw.rows(users)
        return formed

    def rows(self, users: Tensor) -> Tensor:
        """(B, q), formed on the way where they are not held."""
        return self._form(users) if self.dense is None else self.dense[users]

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """Through the hidden states where that is cheaper than forming x_0."""
        if self.dense is not None:
            return F.linear(self.dense[users], weight)
        if len(users) < len(weight):
            return F.linear(self._form(users), weight)
        projected = F.linear(
            self.hidden[users].to(weight.dtype),
            weight @ self.readout.to(weight.dtype),
            weight @ self.bias.to(weight.dtype),
        )
        if self.carried and self.raw is not None:
            projected = projected + self.carried * self.raw.project(users, weight)
        return projected


class PermutedInterests:
    """Another user's interests for each user: the control `shuffled`.

    Args:
        interests: the real ones.
        order: (U,) int64, whose interests each user gets.
    """

    def __init__(self, interests: Interests, order: Tensor) -> None:
        self.interests, self.order = interests, order
        self.width = interests.width

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) of the other users."""
        return self.interests.rows(self.order[users])

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m) of the other users."""
        return self.interests.project(self.order[users], weight)
