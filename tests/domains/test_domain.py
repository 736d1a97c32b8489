"""`domains.domain` against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domains.domain import spread


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 9))))
def test_spread_visits_every_element_of_every_span(spans: list[tuple[int, int]]) -> None:
    starts, lengths = (np.array([span[part] for span in spans], dtype=np.int64) for part in (0, 1))
    rows, positions = spread(starts, lengths)
    expected = [(row, start + place) for row, (start, length) in enumerate(spans) for place in range(length)]
    assert list(zip(rows.tolist(), positions.tolist(), strict=True)) == expected
    assert rows.dtype == positions.dtype == np.int64
