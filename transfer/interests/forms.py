"""Compact forms of users' interests: raw, diffused, shuffled and constant."""

from __future__ import annotations

from typing import Protocol

import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from transfer.sparse import SparseRows

USERS_AT_ONCE = 2048
"""Number of users whose interests are formed and rounded at once."""


class Interests(Protocol):
    """Interests of a fixed list of users; the interface that prompt generators use."""

    width: int

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) float32 interests of users (B,) int64."""
        ...

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """Return rows times weight.T, (B, m) for a weight (m, q), in the cheapest way for this form."""
        ...


class NoInterests:
    """Zeros for all users, so that prompts are learned constants (the control `constant`)."""

    def __init__(self, width: int) -> None:
        self.width = width

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) zeros."""
        return torch.zeros(len(users), self.width, device=users.device)

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m) zeros that depend on `weight` in the graph, so that its gradient is zero rather than None."""
        return weight.new_zeros(len(users), len(weight)) + 0.0 * weight.sum()


class RawInterests:
    """Original interests s'_0, sparse."""

    def __init__(self, matrix: csr_matrix, device: torch.device | str = "cpu") -> None:
        self.matrix = SparseRows.from_csr(matrix, device)
        self.width = self.matrix.width

    def rows(self, users: Tensor) -> Tensor:
        """(B, q) dense rows."""
        return self.matrix.take(users).dense()

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m), by a weighted embedding bag over each user's anchors."""
        rows = self.matrix.take(users)
        table = weight.t().contiguous()
        return F.embedding_bag(
            rows.columns, table, rows.offsets, mode="sum", per_sample_weights=rows.values.to(table.dtype)
        )


class DiffusedInterests:
    """x_0 as h-wide hidden states and a shared read-out: x_0 = hidden @ readout.T + bias.

    The dense (U, q) matrix is stored only if it fits in `dense_budget` bytes, because it is faster then: in single
    precision, or else in half precision, which keeps three digits of each interest.

    Args:
        hidden: (U, h).
        readout: (q, h), the denoiser's W_out.
        bias: (q,), its b_out.
        dense_budget: bytes.
    """

    def __init__(self, hidden: Tensor, readout: Tensor, bias: Tensor, dense_budget: int = 1 << 30) -> None:
        self.hidden, self.readout, self.bias = hidden, readout, bias
        self.width = len(readout)
        entries, everyone = len(hidden) * self.width, torch.arange(len(hidden), device=readout.device)
        if entries * torch.float32.itemsize <= dense_budget:
            self.dense: Tensor | None = self._form(everyone)
        elif entries * torch.float16.itemsize <= dense_budget:
            self.dense = torch.empty(len(hidden), self.width, dtype=torch.float16, device=readout.device)
            for users, rows in zip(everyone.split(USERS_AT_ONCE), self.dense.split(USERS_AT_ONCE), strict=True):
                rows.copy_(self._form(users))
        else:
            self.dense = None
        if self.dense is not None:  # all that is read from now on
            self.hidden = hidden.new_empty(0, hidden.shape[1])

    def _form(self, users: Tensor) -> Tensor:
        return torch.addmm(self.bias, self.hidden[users].to(self.readout), self.readout.t())

    def rows(self, users: Tensor) -> Tensor:
        """(B, q), computed on access if not stored."""
        return self._form(users) if self.dense is None else self.dense[users].float()

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m), through the hidden states if that is cheaper than computing x_0."""
        if self.dense is not None:
            return F.linear(self.dense[users].to(weight.dtype), weight)
        if len(users) < len(weight):
            return F.linear(self._form(users), weight)
        return F.linear(
            self.hidden[users].to(weight.dtype),
            weight @ self.readout.to(weight.dtype),
            weight @ self.bias.to(weight.dtype),
        )


class PermutedInterests:
    """Gives each user the interests of another user: the control `shuffled`.

    Args:
        interests: the real ones.
        order: (U,) int64, the user whose interests each user gets.
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
