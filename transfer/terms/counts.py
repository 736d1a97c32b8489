"""Counts of the training part of a split: popularity, and the matrix of users by items."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from domains.domain import Ints, spread
from domains.split import Split


def train_positions(split: Split, longest: int | None = None) -> tuple[Ints, Ints]:
    """Return user and flat position of every training interaction, or of the `longest` last ones of each user."""
    users = split.training_users
    starts, stops = split.starts[users], split.train_stop[users]
    if longest is not None:
        starts = np.maximum(starts, stops - longest)
    row, position = spread(starts, stops - starts)
    return users[row], position


def popularity(split: Split) -> npt.NDArray[np.float32]:
    """Return (I,) the number of training interactions of each item."""
    _, position = train_positions(split)
    return np.bincount(split.domain.items[position], minlength=split.domain.n_items).astype(np.float32)


def untied_popularity(split: Split) -> npt.NDArray[np.float64]:
    """Return (I,) `popularity` plus a fixed random fraction, which orders equally popular items at random.

    With few users most items are equally popular. Ties count against the target, so a baseline would fall below chance.
    New items get no fraction.
    """
    fraction = np.random.default_rng(0).random(split.domain.n_items)
    return popularity(split) + (fraction if split.new_items is None else np.where(split.new_items, 0, fraction))


def train_matrix(split: Split, longest: int | None = None) -> csr_matrix:
    """Return the (U, I) binary float32 matrix of training interactions, or of the `longest` last ones of each user."""
    owner, position = train_positions(split, longest)
    shape = (split.domain.n_users, split.domain.n_items)
    matrix = csr_matrix((np.ones(len(owner), np.float32), (owner, split.domain.items[position])), shape=shape)
    matrix.data[:] = 1.0
    return matrix
