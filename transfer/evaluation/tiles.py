"""Scores of all items from sums of matrix products, computed in tiles of users and items that stay in the cache.

Writing all scores to memory and reading them back costs more than computing them. A tile is computed, counted and
overwritten by the next one.
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

from domains.domain import Ints
from transfer.evaluation.protocol import count_below

MOST_TILES = 128
"""Maximum number of tiles, because each costs a few calls; tiles get larger instead."""
MOST_HELD = 8
"""Maximum number of tiles with targets that are kept; more are computed twice, which bounds the memory."""
CHUNK = 32
"""Number of scores of a chunk, of which only the maximum is compared at first."""
COMMON = 1 / 32
"""A shared column that more than this share of the items have is multiplied densely, because that is faster."""


@dataclass(frozen=True)
class TileSize:
    """Size of a tile on a CPU.

    Attributes:
        users: number of users.
        items: minimum number of items.
        sparse_items: the same with sparse products, where each entry of a history costs a little for each tile.
    """

    users: int = 512
    items: int = 1024
    sparse_items: int = 4096


@dataclass(frozen=True, eq=False)
class ItemMatrix:
    """A sparse matrix of items, prepared once for products with many users.

    Attributes:
        transposed: (m, I) the matrix, transposed.
        shared: whether most users have the columns that many items have. This is so for words.
    """

    transposed: csr_matrix
    shared: bool = False
    _tiles: dict[int, tuple[Tensor, ...]] = field(default_factory=dict, repr=False)

    def tiles(self, width: int) -> tuple[Tensor, ...]:
        """Return the items as (m, width) sparse tensors, in order."""
        if width not in self._tiles:
            self._tiles[width] = tuple(map(_sparse_tensor, _column_blocks(self.transposed, width)))
        return self._tiles[width]

    @cached_property
    def common(self) -> Ints:
        """Columns that a dense product multiplies faster: most users and many items have them."""
        if not self.shared:
            return np.empty(0, np.int64)
        return np.flatnonzero(np.diff(self.transposed.indptr) > COMMON * self.transposed.shape[1])


def _sparse_tensor(matrix: csr_matrix) -> Tensor:
    """Return a matrix as a float32 tensor; MKL reads 32-bit indices."""
    indptr, indices = (torch.from_numpy(part.astype(np.int32)) for part in (matrix.indptr, matrix.indices))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch says that these tensors are in beta
        return torch.sparse_csr_tensor(indptr, indices, torch.from_numpy(matrix.data.astype(np.float32)), matrix.shape)


def _column_blocks(matrix: csr_matrix, width: int) -> Iterator[csr_matrix]:
    """Yield blocks of `width` columns. The entries are sorted once for all blocks."""
    rows, columns = matrix.shape
    block = (matrix.indices // width).astype(np.uint8 if columns <= 256 * width else np.int64)
    order = np.argsort(block, kind="stable")
    row = np.repeat(np.arange(rows), np.diff(matrix.indptr))[order]
    ends = np.searchsorted(block[order], np.arange(-(-columns // width) + 1))
    for number, first in enumerate(range(0, columns, width)):
        mine = slice(ends[number], ends[number + 1])
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row[mine], minlength=rows))])
        parts = (matrix.data[order[mine]], matrix.indices[order[mine]] - first, indptr)
        yield csr_matrix(parts, shape=(rows, min(width, columns - first)))


class _Addition(Protocol):
    """Scores that a block of users adds to a tile (B, k)."""

    def to_tile(self, tile: Tensor, number: int) -> None:
        """Add scores to the tile with this number, in place."""


@dataclass(frozen=True, eq=False)
class _Product:
    """Sparse users (B, m) times sparse items, written into a dense tile by MKL."""

    items: ItemMatrix
    users: Tensor
    width: int

    def to_tile(self, tile: Tensor, number: int) -> None:
        torch.addmm(tile, self.users, self.items.tiles(self.width)[number], out=tile)


class _Entries:
    """Entries of the sparse product of users (B, m) and items, ordered by item: for devices without MKL."""

    def __init__(self, items: ItemMatrix, users: csr_matrix, width: int, device: torch.device) -> None:
        by_item = (users @ items.transposed).tocsc()
        ends = by_item.indptr
        self.row = torch.from_numpy(by_item.indices).long().to(device)
        self.column = torch.from_numpy(np.repeat(np.arange(by_item.shape[1]) % width, np.diff(ends))).to(device)
        self.values = torch.from_numpy(by_item.data.astype(np.float32)).to(device)
        self.ends = ends[[*range(0, by_item.shape[1], width), by_item.shape[1]]].tolist()

    def to_tile(self, tile: Tensor, number: int) -> None:
        mine = slice(self.ends[number], self.ends[number + 1])
        tile[self.row[mine], self.column[mine]] += self.values[mine]


@dataclass(frozen=True, eq=False)
class SparseProducts:
    """Scores of all items from a product of sparse matrices; most scores are 0.

    Attributes:
        users: (n, m), one row for each target.
        items: (I, m).
        device: device of the scores.
        by_entry: whether to compute a sparse product first, as without MKL; None lets the device decide.
    """

    users: csr_matrix
    items: ItemMatrix
    device: torch.device
    by_entry: bool | None = None

    def __call__(self, rows: Tensor) -> Tensor:
        """Return (B, I) scores of all items for rows of the targets, (B,) int64."""
        return no_scores(self.users.shape[0], self.items.transposed.shape[1], self.device, (self,))(rows)

    def addition(self, rows: Tensor, width: int) -> _Addition:
        """Return the scores of some targets, prepared for tiles of `width` items."""
        users = self.users[rows.cpu().numpy()]
        has_mkl = self.device.type == "cpu" and torch.backends.mkl.is_available()
        if not has_mkl if self.by_entry is None else self.by_entry:
            return _Entries(self.items, users, width, self.device)
        return _Product(self.items, _sparse_tensor(users), width)


@dataclass(frozen=True, eq=False)
class InnerProducts:
    """Scores of all items from inner products plus sparse products. Call it with rows of the targets, (B,) int64.

    Attributes:
        states: (n, d), one row for each target.
        items: (I, d).
        sparse: products that are added.
        size: size of the tiles.
    """

    states: Tensor
    items: Tensor
    sparse: tuple[SparseProducts, ...] = ()
    size: TileSize = TileSize()

    def __call__(self, rows: Tensor) -> Tensor:
        """Return (B, I) scores of all items."""
        scores = self.states[rows] @ self.items.t()
        on_cpu = scores.device.type == "cpu"
        width = self.width if on_cpu else max(1, scores.shape[1])
        users = self.size.users if on_cpu else max(1, len(rows))
        for part in self.sparse:
            for some, mine in zip(rows.split(users), scores.split(users), strict=True):
                added = part.addition(some, width)
                for number, tile in enumerate(mine.split(width, dim=1)):
                    added.to_tile(tile, number)
        return scores

    @property
    def width(self) -> int:
        """Number of items of a tile."""
        fewest = self.size.sparse_items if self.sparse else self.size.items
        return max(fewest, -(-len(self.items) // MOST_TILES))

    @cached_property
    def tiles(self) -> tuple[Tensor, ...]:
        """(d, width) the items of each tile, in the layout that is fastest to multiply."""
        return tuple(items.t().contiguous() for items in self.items.split(self.width))


def no_scores(users: int, items: int, device: torch.device, sparse: tuple[SparseProducts, ...] = ()) -> InnerProducts:
    """Return scores of 0 for all items, plus sparse products."""
    return InnerProducts(torch.zeros(users, 0, device=device), torch.zeros(items, 0, device=device), sparse)


def counts_below_targets(scores: InnerProducts, rows: Tensor, targets: Tensor, owner: Tensor, seen: Tensor) -> Tensor:
    """Count the items that score below each row's target. Excluded items count as below.

    Tiles with targets are computed first. If the rows are sorted by target they are few, and are kept.

    Args:
        scores: scores of all targets.
        rows: (B,) int64, the targets of this block.
        targets: (B,) int64, their items.
        owner: (m,) int64 in [0, B), the row of each excluded item.
        seen: (m,) int64, the excluded items; a target is ranked even if it is among them.

    Returns:
        (B,) int64. NaN scores never count as below, and no item is below a target whose score is NaN.
    """
    n_items = len(scores.items)
    width = scores.width
    states = scores.states[rows]
    additions = [part.addition(rows, width) for part in scores.sparse]

    def formed(number: int, memory: Tensor) -> Tensor:
        items = scores.tiles[number]
        tile = memory[: len(rows) * items.shape[1]].view(len(rows), items.shape[1])
        torch.mm(states, items, out=tile)
        for part in additions:
            part.to_tile(tile, number)
        return tile

    def memory() -> Tensor:
        return states.new_empty(width * len(rows))

    # Computing the target's score another way could round differently, and ties must stay ties.
    numbers = torch.unique(targets // width).tolist()
    own = _by_tile(torch.arange(len(rows), device=states.device), targets, n_items, width)
    left_out = _by_tile(owner, seen, n_items, width)
    target, shared, held = states.new_empty(len(rows), 1), memory(), {}
    for number in numbers:
        tile = formed(number, memory() if len(numbers) <= MOST_HELD else shared)
        target[own[number][0], 0] = tile[own[number]]
        if len(numbers) <= MOST_HELD:
            held[number] = tile
    target = torch.where(torch.isnan(target), -torch.inf, target)
    below = torch.zeros(len(rows), dtype=torch.int64, device=states.device)
    for number, excluded in enumerate(left_out):
        tile = held[number] if number in held else formed(number, shared)
        tile[excluded] = -torch.inf
        if len(own[number][0]):
            tile[own[number]] = target[own[number][0], 0]
        below += count_below(tile, target)
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
    """Return for each tile the rows of its pairs, and the items, counted from its first one."""
    tile = items // width
    order = torch.argsort(tile, stable=True)
    sizes = torch.bincount(tile, minlength=-(-n_items // width)).tolist()
    return list(zip(rows[order].split(sizes), (items % width)[order].split(sizes), strict=True))
