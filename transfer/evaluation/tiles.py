"""Scores of all items from sums of matrix products, computed in tiles of items and users that stay in the cache.

Writing all scores to memory and reading them back costs more than computing them. A tile is computed, counted and
overwritten by the next one. Its rows are items: sparse items times dense users is fast, the other way round is not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from transfer.evaluation.protocol import count_below

TILE = 1024
"""Minimum number of items of a tile."""
MOST_TILES = 128
"""Maximum number of tiles, because each costs a few calls; tiles get larger instead."""
USERS = 512
"""Number of users of a tile: 2 MB of scores."""
CHUNK = 32
"""Number of scores of a chunk, of which only the maximum is compared at first."""
ENTRY = 100
"""Cost of a multiplication in a sparse-sparse product, relative to one in a sparse-dense product."""


@dataclass(frozen=True, eq=False)
class ItemMatrix:
    """A sparse matrix of items, prepared once for products with many users.

    Attributes:
        transposed: (m, I) the matrix, transposed.
    """

    transposed: csr_matrix
    _tiles: dict[int, tuple[Tensor, ...]] = field(default_factory=dict, repr=False)

    def tiles(self, width: int, device: torch.device) -> tuple[Tensor, ...]:
        """Return the items as (width, m) sparse tensors, in order."""
        if width not in self._tiles:
            firsts = range(0, self.matrix.shape[0], width)
            self._tiles[width] = tuple(_sparse_tensor(self.matrix[first : first + width], device) for first in firsts)
        return self._tiles[width]

    @cached_property
    def matrix(self) -> csr_matrix:
        """(I, m) the matrix."""
        return self.transposed.T.tocsr()


def _sparse_tensor(tile: csr_matrix, device: torch.device) -> Tensor:
    indptr, indices = torch.from_numpy(tile.indptr), torch.from_numpy(tile.indices)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch says that these tensors are in beta
        values = torch.from_numpy(tile.data.astype(np.float32))
        return torch.sparse_csr_tensor(indptr, indices, values, size=tile.shape).to(device)


class _Addition(Protocol):
    """Scores of B users that are added to tiles."""

    def to_tile(self, tile: Tensor, number: int) -> None:
        """Add the scores of the tile with this number to it."""

    def to_own(self, tile: Tensor, items: Tensor) -> None:
        """Add each user's score of one item, (B,), to the diagonal of a tile (B, B), rounded as in the item's tile."""


@dataclass(frozen=True, eq=False)
class _DenseUsers:
    """Scores from sparse items times dense users (m, B)."""

    items: ItemMatrix
    users: Tensor
    width: int

    def to_tile(self, tile: Tensor, number: int) -> None:
        torch.addmm(tile, self.items.tiles(self.width, tile.device)[number], self.users, out=tile)

    def to_own(self, tile: Tensor, items: Tensor) -> None:
        chosen = _sparse_tensor(self.items.matrix[items.cpu().numpy()], tile.device)
        torch.addmm(tile, chosen, self.users, out=tile)


class _Entries:
    """Scores from the entries of a sparse product of users (B, m) and items, ordered by item."""

    def __init__(self, items: ItemMatrix, users: csr_matrix, width: int, device: torch.device) -> None:
        self.product = users @ items.transposed
        by_item = self.product.tocsc()
        ends = by_item.indptr
        item = np.repeat(np.arange(by_item.shape[1]) % width, np.diff(ends))
        self.place = torch.from_numpy(item * by_item.shape[0] + by_item.indices).to(device)
        self.values = torch.from_numpy(by_item.data.astype(np.float32)).to(device)
        self.ends = ends[[*range(0, by_item.shape[1], width), by_item.shape[1]]].tolist()

    def to_tile(self, tile: Tensor, number: int) -> None:
        mine = slice(self.ends[number], self.ends[number + 1])
        tile.view(-1).index_add_(0, self.place[mine], self.values[mine])

    def to_own(self, tile: Tensor, items: Tensor) -> None:
        found = np.asarray(self.product[np.arange(len(items)), np.array(items.tolist())], dtype=np.float32)
        tile.diagonal().add_(torch.from_numpy(found.ravel()).to(tile))


@dataclass(frozen=True, eq=False)
class SparseProducts:
    """Scores of all items from a product of sparse matrices; most scores are 0.

    Attributes:
        users: (n, m), one row for each target.
        items: (I, m).
        device: device of the scores.
        dense: whether users are made dense, which is faster if many items share their columns; None chooses by an
            estimate of the cost.
    """

    users: csr_matrix
    items: ItemMatrix
    device: torch.device
    dense: bool | None = None

    def __call__(self, rows: Tensor) -> Tensor:
        """Return (B, I) scores of all items for rows of the targets, (B,) int64."""
        return no_scores(self.users.shape[0], self.items.transposed.shape[1], self.device, (self,))(rows)

    def addition(self, rows: Tensor, width: int) -> _Addition:
        """Return the scores of some targets, prepared for tiles of `width` items."""
        users = self.users[rows.cpu().numpy()]
        if not self.makes_dense:
            return _Entries(self.items, users, width, self.device)
        dense = torch.zeros(users.shape[1], users.shape[0])
        row = torch.from_numpy(np.repeat(np.arange(users.shape[0]), np.diff(users.indptr)))
        dense[torch.from_numpy(users.indices).long(), row] = torch.from_numpy(users.data.astype(np.float32))
        return _DenseUsers(self.items, dense.to(self.device), width)

    @cached_property
    def makes_dense(self) -> bool:
        """Whether users are made dense."""
        if self.dense is not None:
            return self.dense
        lengths = np.diff(self.items.transposed.indptr)
        return bool(ENTRY * lengths[self.users.indices].sum() > self.items.transposed.nnz * self.users.shape[0])


@dataclass(frozen=True, eq=False)
class InnerProducts:
    """Scores of all items from inner products plus sparse products. Call it with rows of the targets, (B,) int64.

    Attributes:
        states: (n, d), one row for each target.
        items: (I, d).
        sparse: products that are added.
    """

    states: Tensor
    items: Tensor
    sparse: tuple[SparseProducts, ...] = ()

    def __call__(self, rows: Tensor) -> Tensor:
        """Return (B, I) scores of all items."""
        if not self.sparse:
            return self.states[rows] @ self.items.t()
        scores = self.items.new_empty(len(rows), len(self.items))
        one_tile = len(rows) * len(self.items) <= TILE * USERS or self.items.device.type != "cpu"
        width = max(1, len(self.items)) if one_tile else tile_width(len(self.items))
        for some in torch.arange(len(rows), device=rows.device).split(len(rows) if one_tile else USERS):
            for first, tile in self.tiles(rows[some], width):
                scores[int(some[0]) : int(some[-1]) + 1, first : first + len(tile)] = tile.t()
        return scores

    def tiles(self, rows: Tensor, width: int) -> Iterator[tuple[int, Tensor]]:
        """Yield first item and scores, (width, B), of each tile. The next tile overwrites the scores."""
        return self._tiles(rows, width, [part.addition(rows, width) for part in self.sparse])

    def tiles_and_own(self, rows: Tensor, width: int, items: Tensor) -> tuple[Iterator[tuple[int, Tensor]], Tensor]:
        """Return `tiles`, and each row's score of one item, (B,) int64, with exactly the bits of its tile."""
        additions = [part.addition(rows, width) for part in self.sparse]
        own = self.items[items] @ self.states[rows].t().contiguous()
        for part in additions:
            part.to_own(own, items)
        return self._tiles(rows, width, additions), own.diagonal().clone()

    def _tiles(self, rows: Tensor, width: int, additions: list[_Addition]) -> Iterator[tuple[int, Tensor]]:
        states = self.states[rows].t().contiguous()
        memory = self.items.new_empty(width * len(rows))
        for number, items in enumerate(self.items.split(width)):
            tile = memory[: len(items) * len(rows)].view(len(items), len(rows))
            torch.mm(items, states, out=tile)
            for part in additions:
                part.to_tile(tile, number)
            yield number * width, tile


def no_scores(users: int, items: int, device: torch.device, sparse: tuple[SparseProducts, ...] = ()) -> InnerProducts:
    """Return scores of 0 for all items, plus sparse products."""
    return InnerProducts(torch.zeros(users, 0, device=device), torch.zeros(items, 0, device=device), sparse)


def tile_width(n_items: int) -> int:
    """Return the number of items of a tile."""
    return max(TILE, -(-n_items // MOST_TILES))


def counts_below_targets(scores: InnerProducts, rows: Tensor, targets: Tensor, owner: Tensor, seen: Tensor) -> Tensor:
    """Count the items that score below each row's target. Excluded items count as below.

    Args:
        scores: scores of all targets.
        rows: (B,) int64, the targets of this block.
        targets: (B,) int64, their items.
        owner: (m,) int64 in [0, B), the row of each excluded item.
        seen: (m,) int64, the excluded items; a target is ranked even if it is among them.

    Returns:
        (B,) int64. NaN scores never count as below, and no item is below a target whose score is NaN.
    """
    width = tile_width(len(scores.items))
    # Computing the target's score another way could round differently, and ties must stay ties.
    tiles, own_scores = scores.tiles_and_own(rows, width, targets)
    target = torch.where(torch.isnan(own_scores), -torch.inf, own_scores)[None]
    below = torch.zeros(len(rows), dtype=torch.int64, device=target.device)
    own = _by_tile(torch.arange(len(rows), device=target.device), targets, len(scores.items), width)
    left_out = _by_tile(owner, seen, len(scores.items), width)
    for (_, tile), excluded, held_out in zip(tiles, left_out, own, strict=True):
        tile[excluded] = -torch.inf
        tile[held_out] = target[0, held_out[1]]
        below += count_below(tile, target, dim=0)
    return below


def largest(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return values and indices, (B, count), of the largest scores of each row (B, I), in descending order.

    The largest scores lie in the `count` chunks with the largest maxima, so only those chunks are sorted.
    """
    whole = scores.shape[1] // CHUNK * CHUNK
    if whole < 4 * CHUNK * count:
        return scores.topk(count, dim=1)
    best = scores[:, :whole].unflatten(1, (-1, CHUNK)).amax(2).topk(count, dim=1, sorted=False).indices
    places = (best[:, :, None] * CHUNK + torch.arange(CHUNK, device=scores.device)).flatten(1)
    rest = torch.arange(whole, scores.shape[1], device=scores.device).expand(len(scores), -1)
    places = torch.cat([places, rest], dim=1)
    found = scores.gather(1, places).topk(count, dim=1)
    return found.values, places.gather(1, found.indices)


def _by_tile(rows: Tensor, items: Tensor, n_items: int, width: int) -> list[tuple[Tensor, Tensor]]:
    """Return for each tile the items, counted from its first one, and the rows of its pairs."""
    tile = items // width
    order = torch.argsort(tile, stable=True)
    sizes = torch.bincount(tile, minlength=-(-n_items // width)).tolist()
    return list(zip((items % width)[order].split(sizes), rows[order].split(sizes), strict=True))
