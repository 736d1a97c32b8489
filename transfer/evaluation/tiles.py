"""Scores of all items that are sums of products, formed in tiles of items and users that never leave the cache.

Scores of every item at once are written to memory and read back, which costs more than their multiplication. A tile is
multiplied, counted and overwritten by the next. It holds items by users: a sparse matrix of items times dense users is
fast, dense items times a sparse matrix of users is not.
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
"""Items of a tile."""
MOST_TILES = 128
"""Tiles hold more items where there would be more of them: each costs a few calls."""
USERS = 512
"""Users of a tile: 2 MB of scores."""
CHUNK = 32
"""Scores that are compared with each other before any are sorted."""
ENTRY = 100
"""An entry of a product of two sparse matrices costs as much as so many multiplications of a sparse and a dense one."""


@dataclass(frozen=True, eq=False)
class ItemMatrix:
    """A sparse matrix of items, made ready once for all the users that it is multiplied with.

    Attributes:
        transposed: (m, I).
    """

    transposed: csr_matrix
    _tiles: dict[int, tuple[Tensor, ...]] = field(default_factory=dict, repr=False)

    def tiles(self, width: int, device: torch.device) -> tuple[Tensor, ...]:
        """Return (width, m) sparse tensors, which are all items one after the other."""
        if width not in self._tiles:
            firsts = range(0, self.matrix.shape[0], width)
            self._tiles[width] = tuple(_sparse_tensor(self.matrix[first : first + width], device) for first in firsts)
        return self._tiles[width]

    @cached_property
    def matrix(self) -> csr_matrix:
        """(I, m)."""
        return self.transposed.T.tocsr()


def _sparse_tensor(tile: csr_matrix, device: torch.device) -> Tensor:
    indptr, indices = torch.from_numpy(tile.indptr), torch.from_numpy(tile.indices)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch says that these tensors are in beta
        values = torch.from_numpy(tile.data.astype(np.float32))
        return torch.sparse_csr_tensor(indptr, indices, values, size=tile.shape).to(device)


class _Addition(Protocol):
    """What some users add to scores (k, B) of items."""

    def to_tile(self, tile: Tensor, number: int) -> None:
        """Add the scores of the tile of a number to those that it holds."""

    def to_own(self, tile: Tensor, items: Tensor) -> None:
        """Add the scores of B items, (B,), each to the diagonal of a tile (B, B), summed as in its own tile."""


@dataclass(frozen=True, eq=False)
class _DenseUsers:
    """Sparse items times dense users (m, B)."""

    items: ItemMatrix
    users: Tensor
    width: int

    def to_tile(self, tile: Tensor, number: int) -> None:
        torch.addmm(tile, self.items.tiles(self.width, tile.device)[number], self.users, out=tile)

    def to_own(self, tile: Tensor, items: Tensor) -> None:
        chosen = _sparse_tensor(self.items.matrix[items.cpu().numpy()], tile.device)
        torch.addmm(tile, chosen, self.users, out=tile)


class _Entries:
    """The entries of a product of users (B, m) and items, ordered by item."""

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
    """Scores of all items that are products of sparse matrices; most of them are 0.

    Attributes:
        users: (n, m), one row for each target.
        items: (I, m).
        device: of the scores.
        dense: whether users are made dense, which is faster where many items share their columns; None where the
            matrices decide.
    """

    users: csr_matrix
    items: ItemMatrix
    device: torch.device
    dense: bool | None = None

    def __call__(self, rows: Tensor) -> Tensor:
        """(B, I) scores of all items for rows of the targets, (B,) int64."""
        return no_scores(self.users.shape[0], self.items.transposed.shape[1], self.device, (self,))(rows)

    def addition(self, rows: Tensor, width: int) -> _Addition:
        """Return what some targets add to one tile of so many items after the other."""
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
    """Scores of all items that are inner products; called with rows of the targets, (B,) int64, it forms them, (B, I).

    Attributes:
        states: (n, d), one for each target.
        items: (I, d).
        sparse: what is added.
    """

    states: Tensor
    items: Tensor
    sparse: tuple[SparseProducts, ...] = ()

    def __call__(self, rows: Tensor) -> Tensor:
        """(B, I) scores of all items."""
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
        """Yield the first item and the scores, (width, B), of each tile; the next one takes the same memory."""
        return self._tiles(rows, width, [part.addition(rows, width) for part in self.sparse])

    def tiles_and_own(self, rows: Tensor, width: int, items: Tensor) -> tuple[Iterator[tuple[int, Tensor]], Tensor]:
        """Return `tiles`, and the score of one item, (B,) int64, for each row, to the last bit that of its tile."""
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
    """Return a score of 0 for every item, and what is added."""
    return InnerProducts(torch.zeros(users, 0, device=device), torch.zeros(items, 0, device=device), sparse)


def tile_width(n_items: int) -> int:
    """Return how many items a tile holds."""
    return max(TILE, -(-n_items // MOST_TILES))


def counts_below_targets(scores: InnerProducts, rows: Tensor, targets: Tensor, owner: Tensor, seen: Tensor) -> Tensor:
    """How many items score below each row's target, those left out of the ranking among them.

    Args:
        scores: of all targets.
        rows: (B,) int64, the targets of this block.
        targets: (B,) int64, their items.
        owner: (m,) int64 in [0, B), the row of each item that is left out.
        seen: (m,) int64, that item; a target is ranked even if it was seen.

    Returns:
        (B,) int64. A score that is not a number is never below, and nothing is below a target whose own is none.
    """
    width = tile_width(len(scores.items))
    # Another way to form the same sum rounds otherwise, and ties must stay ties.
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
    """Return values and places, (B, count), of the largest scores (B, I) of each row, the largest first.

    They lie in the chunks with the largest maxima, of which there are no more than `count`: a pass that only compares
    leaves few scores to be sorted.
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
    """The item within its tile and the row of every pair, tile by tile."""
    tile = items // width
    order = torch.argsort(tile, stable=True)
    sizes = torch.bincount(tile, minlength=-(-n_items // width)).tolist()
    return list(zip((items % width)[order].split(sizes), rows[order].split(sizes), strict=True))
