"""Compute item vectors as the scaled sum of channels (ID, anchors, title, categories)."""

from __future__ import annotations

from typing import TypeVar

import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.items.features import ItemFeatures
from transfer.items.settings import Channel, ItemSettings
from transfer.sparse import SparseRows

T = TypeVar("T")


class IdChannel(nn.Module):
    """One learned vector per item; zero for items outside the training data."""

    def __init__(self, count: int, dim: int, known: Tensor | None = None) -> None:
        super().__init__()
        self.table = nn.Embedding(count, dim)
        nn.init.xavier_normal_(self.table.weight)
        self.register_buffer("known", None if known is None else known.float()[:, None], persistent=False)

    known: Tensor | None

    def forward(self, items: Tensor) -> Tensor:
        """(n,) -> (n, d)."""
        vectors: Tensor = self.table(items)
        return vectors if self.known is None else vectors * self.known[items]


class BagChannel(nn.Module):
    """Mean of the learned vectors of an item's anchors (or categories); zero for items without any."""

    def __init__(self, matrix: csr_matrix, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(matrix.shape[1], dim)
        nn.init.xavier_normal_(self.table.weight)
        rows = SparseRows.from_csr(_row_means(matrix))
        self.register_buffer("indptr", rows.indptr, persistent=False)
        self.register_buffer("columns", rows.columns, persistent=False)
        self.register_buffer("values", rows.values, persistent=False)

    indptr: Tensor
    columns: Tensor
    values: Tensor

    def forward(self, items: Tensor) -> Tensor:
        """(n,) -> (n, d)."""
        rows = SparseRows(self.indptr, self.columns, self.values, self.table.num_embeddings).take(items)
        return F.embedding_bag(
            rows.columns, self.table.weight, rows.offsets, mode="sum", per_sample_weights=rows.values
        )


class SemanticChannel(nn.Module):
    """Linear map of fixed sentence vectors. Its weights do not depend on items, so they transfer between domains."""

    def __init__(self, vectors: Tensor, dim: int) -> None:
        super().__init__()
        self.register_buffer("vectors", vectors.float(), persistent=False)
        self.map = nn.Linear(vectors.shape[1], dim, bias=False)
        nn.init.xavier_normal_(self.map.weight)

    vectors: Tensor

    def forward(self, items: Tensor) -> Tensor:
        """(n,) -> (n, d)."""
        mapped: Tensor = self.map(self.vectors[items])
        return mapped


class ItemTower(nn.Module):
    """Computes item vectors. It is not part of the encoder, which sees vectors only.

    Args:
        features: inputs of the channels.
        settings: names of the channels.
        dim: width d.
    """

    def __init__(self, features: ItemFeatures, settings: ItemSettings, dim: int) -> None:
        super().__init__()
        self.count = features.count
        self.channels = nn.ModuleDict({name: _channel(name, features, dim) for name in settings.channels})
        one = len(settings.channels) == 1
        self.log_scales = None if one else nn.Parameter(torch.zeros(len(settings.channels)))

    @property
    def is_table(self) -> bool:
        """Whether the ID is the only channel, so that a vector is one look-up."""
        return list(self.channels) == ["id"]

    def forward(self, items: Tensor) -> Tensor:
        """Return the vectors of items.

        Args:
            items: (n,) int64; may repeat.

        Returns:
            (n, d).
        """
        parts = [channel(items) for channel in self.channels.values()]
        if self.log_scales is None:
            return parts[0]
        return torch.einsum("c,cnd->nd", self.log_scales.exp(), torch.stack(parts))

    def all(self) -> Tensor:
        """Return the (I, d) vectors of all items."""
        return self(torch.arange(self.count, device=next(self.parameters()).device))


def _row_means(matrix: csr_matrix) -> csr_matrix:
    """Divide rows by their sums, so that a bag is a weighted mean."""
    total = torch.from_numpy(matrix.sum(axis=1).A1.copy()).clamp_min(1e-12)
    lengths = torch.from_numpy(matrix.indptr).diff().long()
    data = torch.from_numpy(matrix.data) / torch.repeat_interleave(total, lengths)
    return csr_matrix((data.float().numpy(), matrix.indices, matrix.indptr), matrix.shape)


def _channel(name: Channel, features: ItemFeatures, dim: int) -> nn.Module:
    if name == "id":
        return IdChannel(features.count, dim, features.known)
    if name == "anchors":
        return BagChannel(_given(features.anchors, name), dim)
    if name == "categories":
        return BagChannel(_given(features.categories, name), dim)
    vectors = features.anchor_vectors if name == "anchors-semantic" else features.title_vectors
    return SemanticChannel(_given(vectors, name), dim)


def _given(value: T | None, channel: str) -> T:
    if value is None:
        raise ValueError(f"the channel {channel!r} was asked for, but its features were not computed")
    return value
