"""What the training part of a split counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from domains.domain import Ints, spread
from domains.split import Split


def train_positions(split: Split, longest: int | None = None) -> tuple[Ints, Ints]:
    """Owner and flat position of every interaction that may train, or of the last ones of each user."""
    users = split.training_users
    starts, stops = split.starts[users], split.train_stop[users]
    if longest is not None:
        starts = np.maximum(starts, stops - longest)
    row, position = spread(starts, stops - starts)
    return users[row], position


def popularity(split: Split) -> npt.NDArray[np.float32]:
    """(I,) training interactions of each item."""
    _, position = train_positions(split)
    return np.bincount(split.domain.items[position], minlength=split.domain.n_items).astype(np.float32)


def untied_popularity(split: Split) -> npt.NDArray[np.float64]:
    """(I,) the same plus a fixed random fraction each: of equally popular items a random one goes first.

    Few users leave most items equal, and equals count against a target: a baseline would fall below chance. Items that
    nobody could meet get none.
    """
    fraction = np.random.default_rng(0).random(split.domain.n_items)
    return popularity(split) + (fraction if split.new_items is None else np.where(split.new_items, 0, fraction))


def train_matrix(split: Split, longest: int | None = None) -> csr_matrix:
    """(U, I) binary float32 matrix of the training interactions, or of the last ones of each user."""
    owner, position = train_positions(split, longest)
    shape = (split.domain.n_users, split.domain.n_items)
    matrix = csr_matrix((np.ones(len(owner), np.float32), (owner, split.domain.items[position])), shape=shape)
    matrix.data[:] = 1.0
    return matrix
