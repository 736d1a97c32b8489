"""Anchor matching beside a model: the term, its weight, and where the weight comes from."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from transfer_cases import small_domain

from domains.split import leave_one_out
from transfer.evaluation.protocol import targets_of
from transfer.matching import WEIGHTS, best_weight, blended, matching_scores
from transfer.variants import parse_variant


def test_scores_are_cosines_of_idf_weighted_anchors() -> None:
    generator = np.random.default_rng(0)
    domain = small_domain([[0, 1, 2, 3], [3, 2, 1, 0, 4]], n_items=5)
    targets = targets_of(leave_one_out(domain), "test")
    anchors = (generator.random((5, 7)) < 0.5).astype(np.float32)
    idf = generator.random(7).astype(np.float32) + 0.1
    found = matching_scores(domain, targets, csr_matrix(anchors), idf, torch.device("cpu"))(torch.arange(2)).numpy()
    for row, history in enumerate([[0, 1, 2], [3, 2, 1, 0]]):
        user = sum(anchors[item] * idf for item in history)
        for item in range(5):
            vector = anchors[item] * idf
            length = np.linalg.norm(user) * np.linalg.norm(vector)
            expected = float(user @ vector / length) if length else 0.0
            assert abs(found[row, item] - expected) < 1e-6


def test_the_blend_adds_and_the_weight_is_the_best_by_validation() -> None:
    own, matching = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 0.25]])
    mixed = blended(lambda rows: own[rows].clone(), lambda rows: matching[rows].double(), 4.0)
    torch.testing.assert_close(mixed(torch.tensor([0])), torch.tensor([[3.0, 3.0]]))

    def prefers_four(scores: object) -> float:
        first = float(scores(torch.tensor([0]))[0, 0])  # type: ignore[operator]
        return -abs(first - 3.0)

    chosen = best_weight(lambda rows: own[rows].clone(), lambda rows: matching[rows], prefers_four)
    assert chosen == 4.0
    assert best_weight(lambda rows: own[rows].clone(), lambda rows: matching[rows], lambda _: 0.0) == WEIGHTS[0] == 0.0


def test_the_name_says_so_and_the_base_does_without() -> None:
    variant = parse_variant("sasrec+anchors+no-id+source+matching+ipe+constant")
    assert variant.matching
    assert variant.base.name == "sasrec+anchors+no-id+source"
    assert not variant.base.matching
