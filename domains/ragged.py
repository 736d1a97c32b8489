"""Ragged rows over flat arrays, without a loop over rows."""

from __future__ import annotations

import numpy as np

from domains.domain import Ints


def spread(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """Every element of some spans of a flat array, one span after the other.

    Args:
        starts: (R,) int64, flat position of each span's first element.
        lengths: (R,) int64, elements of each span; none may be negative.

    Returns:
        (n,) int64 span and (n,) int64 flat position of each element, n = sum of the lengths.
    """
    row = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    shift = starts - (np.cumsum(lengths) - lengths)
    return row, np.arange(len(row), dtype=np.int64) + shift[row]
