"""Pairs of items: transitions (one item follows another within three steps) and companions (items share users)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags, vstack

from domains.domain import Domain, Ints, TimeKind, spread
from domains.split import Split
from transfer.evaluation.protocol import Targets
from transfer.terms.counts import train_matrix, train_positions

STEPS = (1.0, 0.5, 0.25)
"""Count of a transition over 1, 2, 3 steps; also the weights of the last, second last and third last item."""
LARGEST_TIE = 16
"""A tie is a group of interactions of a user at the same time. All orders of a tie of up to this size are counted; of a
larger tie, only one."""
NEIGHBOURS = 64
"""Number of strongest transitions of an item that are followed for a second step."""
ONWARD = 256
"""Number of items two transitions away that are kept for each item."""
BACKWARD_SHARE = 0.5
"""Weight of a transition against its direction, when two transitions are chained."""
PARTS = {"transitions": "forward", "backward": "backward", "onward": "onward"}
"""Attribute of `Follows` that holds the matrix of each weight."""
COMPANIONS = 100
"""Number of companions kept for an item."""
LONGEST = 500
"""Maximum number of interactions of a user that are counted, the last ones: pairs grow with the square."""
_PAIRS = 1 << 25
"""Number of pairs of items compared at once: 400 MB if all of them share users."""
_PADDED = 1 << 24
"""Number of entries among which the strongest are searched at once: 64 MB."""
_BLOCK = 2048
"""Number of items chained at once."""


@dataclass(frozen=True, eq=False)
class Follows:
    """Transitions of a domain, ready to be multiplied with recent items.

    Attributes:
        counts: (I, I) from `count_transitions`.
    """

    counts: csr_matrix

    def part(self, weight: str) -> csr_matrix:
        """Return one of the matrices by the name of its weight."""
        matrix: csr_matrix = getattr(self, PARTS[weight])
        return matrix

    @cached_property
    def forward(self) -> csr_matrix:
        """(I, I) the items that follow each item."""
        return scaled_rows(self.counts)

    @cached_property
    def backward(self) -> csr_matrix:
        """(I, I) the items that precede each item."""
        return scaled_rows(self.counts.T.tocsr())

    @cached_property
    def onward(self) -> csr_matrix:
        """(I, I) the items two transitions away. With few data, this connects more items."""
        once = strongest(self.forward + BACKWARD_SHARE * self.backward, NEIGHBOURS)
        blocks = [strongest(once[first : first + _BLOCK] @ once, ONWARD) for first in range(0, once.shape[0], _BLOCK)]
        twice = vstack(blocks, format="csr")
        twice.setdiag(0)
        twice.eliminate_zeros()
        return twice


def strongest(matrix: csr_matrix, count: int) -> csr_matrix:
    """Keep the `count` largest entries of each row of a matrix of positive numbers; of ties, the first columns."""
    matrix = matrix.tocsr().astype(np.float32)
    lengths = np.diff(matrix.indptr)
    long = np.flatnonzero(lengths > count)
    if not len(long):
        return matrix
    kept = np.ones(matrix.nnz, dtype=bool)
    for rows in _of_like_length(long[np.argsort(lengths[long], kind="stable")], lengths):
        owner, position = spread(matrix.indptr[rows].astype(np.int64), lengths[rows].astype(np.int64))
        kept[position] = _is_strongest(matrix, owner, position, count)
    ends = np.cumsum(np.minimum(lengths, count))
    return csr_matrix((matrix.data[kept], matrix.indices[kept], np.concatenate([[0], ends])), shape=matrix.shape)


def _of_like_length(rows: Ints, lengths: Ints) -> Iterator[Ints]:
    """Yield groups of rows, the shortest first; padded to the longest, a group has at most `_PADDED` entries."""
    first = 0
    while first < len(rows):
        padded = np.arange(1, len(rows) - first + 1) * lengths[rows[first:]]
        size = max(1, int(np.searchsorted(padded, _PADDED, side="right")))
        yield rows[first : first + size]
        first += size


def _is_strongest(matrix: csr_matrix, owner: Ints, position: Ints, count: int) -> npt.NDArray[np.bool_]:
    """Return whether each entry is among the `count` largest of its row.

    Args:
        matrix: its entries are positive.
        owner: (m,) number of each entry's row, ascending from 0; each row has more than `count` entries.
        position: (m,) place of each entry in the matrix.
        count: number of entries to keep.
    """
    values, starts = matrix.data[position], np.searchsorted(owner, np.arange(owner[-1] + 1))
    nth = np.arange(len(owner)) - starts[owner]
    padded = torch.zeros(len(starts), int(nth.max()) + 1)
    padded[torch.from_numpy(owner), torch.from_numpy(nth)] = torch.from_numpy(values)
    limit = padded.topk(count, dim=1, sorted=False).values.amin(1).numpy()[owner]
    found = values > limit
    tied = np.flatnonzero(values == limit)
    tied = tied[np.lexsort((matrix.indices[position[tied]], owner[tied]))]
    rank = np.arange(len(tied)) - np.searchsorted(owner[tied], np.arange(len(starts)))[owner[tied]]
    free = count - np.bincount(owner[found], minlength=len(starts))
    found[tied[rank < free[owner[tied]]]] = True
    return found


def count_transitions(split: Split) -> csr_matrix:
    """Return (I, I) float32 counts of how often an item follows another in the training data.

    Interactions at the same time have no order. Each count is the mean over all orders, so such pairs count equally in
    both directions. An item never follows itself.
    """
    owner, position = train_positions(split)
    domain = split.domain
    items, times = domain.items[position].astype(np.int64), domain.times[position]
    shape = (domain.n_items, domain.n_items)
    if domain.time_kind == TimeKind.TIMESTAMP:
        order = np.lexsort((_shuffled(items, owner), times, owner))
        items, times = items[order], times[order]
        group = _groups(owner, times)
    else:
        group = np.arange(len(items), dtype=np.int64)
    slots = _slots(items, group, domain.n_items)
    size = np.bincount(group, minlength=1)[group] if len(group) else group
    across = within = csr_matrix(shape, dtype=np.float32)
    for distance, weight in enumerate(STEPS, start=1):
        same_user = owner[distance:] == owner[:-distance]
        tied = group[distance:] == group[:-distance]
        before, after = slots[:-distance], slots[distance:]
        across = across + before.T @ diags((weight * (same_user & ~tied)).astype(np.float32)) @ after
        # Two slots of a tie hold two of its m items: m (m - 1) pairs, of which the product below counts m * m.
        tie = size[:-distance]
        pairs = np.where(tie <= LARGEST_TIE, tie / np.maximum(tie - 1, 1), 1.0)
        within = within + before.T @ diags((weight * tied * pairs).astype(np.float32)) @ after
    counts = (across + (within + within.T) / 2).tocsr()
    counts.setdiag(0)
    counts.eliminate_zeros()
    counts.sum_duplicates()  # rows in order, which all later sums and stacks would otherwise sort again
    return counts.astype(np.float32)


def scaled_rows(counts: csr_matrix) -> csr_matrix:
    """Divide every row of counts by the square root of its sum, so that frequent items do not dominate.

    The result shares the places of its entries with the counts.
    """
    sums = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    scale = np.divide(1.0, np.sqrt(sums), out=np.zeros_like(sums), where=sums > 0).astype(np.float32)
    scaled = counts.data * np.repeat(scale, np.diff(counts.indptr))
    return csr_matrix((scaled, counts.indices, counts.indptr), shape=counts.shape)


def recent_items(domain: Domain, targets: Targets) -> csr_matrix:
    """Return (n, I) float32: the last three items before each target, weighted by `STEPS`.

    Items at the same time share the weights of their places equally.
    """
    starts = domain.offsets[:-1][targets.users]
    rows, columns, weights = [], [], []
    first, end = _ties(domain)
    for age, weight in enumerate(STEPS):
        place = targets.stops - 1 - age
        row = np.flatnonzero(place >= starts)
        place = place[row]
        begin = first[place]
        lengths = np.minimum(end[place], targets.stops[row]) - begin
        owner, position = spread(begin, lengths)
        rows.append(row[owner])
        columns.append(domain.items[position])
        weights.append((weight / lengths)[owner].astype(np.float32))
    parts = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return csr_matrix(parts, shape=(len(targets), domain.n_items))


def _ties(domain: Domain) -> tuple[Ints, Ints]:
    """Return (N,) first and (N,) one past the last position of each interaction's tie."""
    place = np.arange(domain.n_interactions, dtype=np.int64)
    if domain.time_kind != TimeKind.TIMESTAMP:
        return place, place + 1
    group = _groups(domain.owners, domain.times)
    sizes = np.bincount(group, minlength=1)
    ends = np.cumsum(sizes)
    return (ends - sizes)[group], ends[group]


def _groups(owner: Ints, times: Ints) -> Ints:
    """Return (n,) the index of each interaction's tie; interactions are sorted by user and time."""
    if not len(owner):
        return owner
    new = (owner[1:] != owner[:-1]) | (times[1:] != times[:-1])
    return np.concatenate([[0], np.cumsum(new)]).astype(np.int64)


def _slots(items: Ints, group: Ints, n_items: int) -> csr_matrix:
    """Return (n, I) float32, the probability of each item in each place if ties are in random order."""
    sizes = np.bincount(group, minlength=1)
    first = (np.cumsum(sizes) - sizes)[group] if len(group) else group
    size = sizes[group] if len(group) else group
    small = size <= LARGEST_TIE
    row, position = spread(np.where(small, first, np.arange(len(items))), np.where(small, size, 1))
    chance = np.where(small, 1.0 / np.maximum(size, 1), 1.0)[row].astype(np.float32)
    return csr_matrix((chance, (row, items[position])), shape=(len(items), n_items))


def _shuffled(items: Ints, owner: Ints) -> npt.NDArray[np.uint64]:
    """Return (n,) hashes of item and user. They order ties independently of the file."""
    mixed = (items.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= (owner.astype(np.uint64) + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(32))


def find_companions(split: Split, count: int = COMPANIONS) -> csr_matrix:
    """Return (I, I) float32 cosines between the users of items: the largest of each row, without the diagonal.

    cos(i, j) = |U_i and U_j| / sqrt(|U_i| |U_j|), where U_i are the training users who had item i.

    Args:
        split: its training part is counted.
        count: number of cosines kept per row.
    """
    matrix = train_matrix(split, LONGEST)
    users = np.asarray(matrix.sum(axis=0)).ravel()
    unit = (matrix @ diags(np.divide(1.0, np.sqrt(users), out=np.zeros_like(users), where=users > 0))).tocsc()
    rows, blocks = unit.tocsr(), []
    for first, step in _item_blocks(unit.shape[1]):
        block = (unit[:, first : first + step].T @ rows).tocoo()
        others = block.row + first != block.col
        kept = (block.data[others], (block.row[others], block.col[others]))
        blocks.append(strongest(csr_matrix(kept, shape=block.shape, dtype=np.float32), count))
    return (
        vstack(blocks, format="csr", dtype=np.float32) if blocks else csr_matrix(matrix.shape[1:] * 2, dtype=np.float32)
    )


def shared_users(split: Split, pairs: csr_matrix) -> csr_matrix:
    """Return the number of training users who had both items of each pair, as `find_companions` counts them.

    Args:
        split: its training part is counted.
        pairs: (I, I); its entries are the pairs.
    """
    matrix = train_matrix(split, LONGEST).tocsc()
    rows, wanted = matrix.tocsr(), (pairs != 0).tocsr()
    blocks = [
        (matrix[:, first : first + step].T @ rows).multiply(wanted[first : first + step])
        for first, step in _item_blocks(matrix.shape[1])
    ]
    return vstack(blocks, format="csr") if blocks else csr_matrix(pairs.shape, dtype=np.float32)


def _item_blocks(items: int) -> Iterator[tuple[int, int]]:
    """Yield first item and size of blocks of items. Each block is compared with all items at once."""
    step = max(1, _PAIRS // max(1, items))
    for first in range(0, items, step):
        yield first, step
