"""What stands for users' interests in a prompt: raw, diffused, another user's or none, each in a compact form."""

from __future__ import annotations

from typing import Protocol

import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from transfer.sparse import SparseRows


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
