"""What tests of serving share."""

from __future__ import annotations

import pytest

from transfer.items.sentence_vectors import Semantics


@pytest.fixture(scope="module")
def without_an_encoder():
    """Whether or not a sentence encoder is installed, the tests of a module find none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: None))
        yield
