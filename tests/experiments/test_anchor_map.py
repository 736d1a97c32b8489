"""The map of anchors: what S2IDM links lies close together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from recipes.load import load_recipe
from transfer.experiments.anchor_map import LINKS, MOST, anchor_map, linked, overlaps, placed, source_anchors
from transfer.runs.plan import make_plan
from transfer.runs.target_run import TargetRun


@pytest.fixture
def two(tiny):
    """The vocabulary of two small domains, the anchors of the target, and those of the source."""
    run = TargetRun.load(tiny.target)
    return run.vocabulary, run.item_anchors, source_anchors(make_plan(load_recipe(tiny.recipe)), run.vocabulary)


class Raises:
    """A stand-in for S2IDM: an interest in an anchor raises those of its half of the anchors."""

    def diffuse(self, rows: csr_matrix) -> Raises:
        width = rows.shape[1]
        half = np.arange(width) < width / 2
        same = (half[:, None] == half[None]).astype(np.float32)
        self.after = torch.from_numpy(np.asarray(rows @ same) + np.float32(3.0))
        return self

    def rows(self, wanted: torch.Tensor) -> torch.Tensor:
        return self.after[wanted]


def test_links_are_what_an_interest_adds_to_the_others():
    links = linked(Raises(), np.array([0, 1, 9]), 10)
    assert links.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_linked_anchors_lie_close_together():
    half = LINKS + 3
    links = linked(Raises(), np.arange(2 * half), 2 * half)
    links[0, half] = links[half, 0] = 0.01  # in one piece
    places = placed(links)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart[:half, :half].mean() < apart[:half, half:].mean() / 2
    assert placed(links) == pytest.approx(places)


def test_there_is_no_map_without_s2idm_or_sources(two):
    vocabulary, anchors, sources = two
    assert anchor_map(vocabulary, anchors, sources, None) == ()
    assert anchor_map(vocabulary, anchors, {}, Raises()) == ()
    assert overlaps("films", anchors, {}) == ()


def test_the_map_shows_how_much_each_domain_uses_an_anchor(two):
    vocabulary, anchors, sources = two
    found = {point.word: point for point in anchor_map(vocabulary, anchors, sources, Raises())}
    uses = np.asarray(anchors.sum(axis=0)).ravel()
    for word, point in found.items():
        assert point.target == pytest.approx(uses[vocabulary.words.index(word)] / uses.sum())
    assert len(found) == MOST
    left_out = np.ones(len(uses), dtype=bool)
    left_out[[vocabulary.words.index(word) for word in found]] = False
    least = min(point.source + point.target for point in found.values())
    assert (uses[left_out] / uses.sum()).max() <= least, "the most used anchors are on the map"
    assert [one.source for one in overlaps("films", anchors, sources)] == ["books"]


def test_a_target_without_anchors_has_no_overlap(two):
    _, anchors, sources = two
    assert overlaps("films", anchors * 0, sources) == ()
