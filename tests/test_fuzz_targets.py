"""A few seconds of what `python -m tests.fuzz` does for hours."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import targets
from tests.fuzz.__main__ import damaged
from tests.fuzz.targets import SEEDS, TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_fuzzing_begins_with_input_that_is_used(name, monkeypatch):
    """Damaged input that began as refused input would never reach what lies behind the door."""
    monkeypatch.setattr(targets, "_or_refused", lambda work: work())
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_is_used_or_refused(name):
    draw = random.Random(1)
    for seed in SEEDS[name]:
        TARGETS[name](seed)
    for _ in range(6 if name == "titles" else 25):
        TARGETS[name](damaged(draw.choice(SEEDS[name]), draw))
