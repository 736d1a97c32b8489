"""Matching beside a model: the terms, their weights, and where the weights come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from transfer_cases import small_domain

from domains.split import leave_one_out
from transfer.evaluation.histories import history_matrix
from transfer.evaluation.protocol import Targets, targets_of
from transfer.evaluation.ranking import ScoreRows
from transfer.terms.matcher import Matcher, MatchingWeights, blended
from transfer.terms.search import BEGINNING, FEWEST_USERS, RECENCIES, STRENGTHS, search_weights
from transfer.variants import parse_variant

CPU = torch.device("cpu")
HISTORIES = [[0, 1, 2], [3, 2, 1, 0]]
GENERATOR = np.random.default_rng(0)
ANCHORS = (GENERATOR.random((5, 7)) < 0.5).astype(np.float32)
IDF = GENERATOR.random(7).astype(np.float32) + 0.1
TITLES = torch.nn.functional.normalize(torch.from_numpy(GENERATOR.normal(size=(5, 4)).astype(np.float32)), dim=-1)
DOMAIN = small_domain([[0, 1, 2, 3], [3, 2, 1, 0, 4]], n_items=5)
TARGETS = targets_of(leave_one_out(DOMAIN), "test")
MATCHER = Matcher(csr_matrix(ANCHORS), IDF, TITLES, CPU)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / length) if length else 0.0


def test_terms_are_cosines_with_the_recent_history() -> None:
    weights = MatchingWeights(titles=2.0, anchors=3.0, recency=0.5)
    found = MATCHER.alone(DOMAIN, TARGETS, weights)(torch.arange(2)).numpy()
    for row, history in enumerate(HISTORIES):
        ages = range(len(history) - 1, -1, -1)
        words = sum(0.5**age * ANCHORS[item] * IDF for item, age in zip(history, ages, strict=True))
        title = sum(0.5**age * TITLES[item].numpy() for item, age in zip(history, ages, strict=True))
        for item in range(5):
            expected = 2 * cosine(title, TITLES[item].numpy()) + 3 * cosine(words, ANCHORS[item] * IDF)
            assert abs(found[row, item] - expected) < 1e-5


def test_a_repeated_item_counts_once_at_its_last_place() -> None:
    domain = small_domain([[0, 1, 0, 2, 3]], n_items=4, repeats=True)
    targets = Targets(np.array([0]), np.array([4]), np.array([3]), np.array([0]), excludes_seen=False)
    np.testing.assert_allclose(history_matrix(domain, targets, 0.5).toarray(), [[0.5, 0.25, 1.0, 0.0]])


def test_no_weight_leaves_scores_as_they_are() -> None:
    def own(rows: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(rows), 5)

    assert MATCHER.joined(own, DOMAIN, TARGETS, MatchingWeights()) is own
    assert not MatchingWeights(recency=0.4)
    mixed = blended(own, [(4.0, lambda rows: torch.full((len(rows), 5), 0.25).double())])
    torch.testing.assert_close(mixed(torch.tensor([0])), torch.full((1, 5), 2.0))


def test_the_search_finds_the_weights_that_validation_prefers() -> None:
    own = torch.from_numpy(GENERATOR.normal(size=(2, 5)).astype(np.float32))
    wanted = MatchingWeights(titles=STRENGTHS[3], anchors=0.5 * STRENGTHS[3], recency=RECENCIES[2])

    def score(rows: torch.Tensor) -> torch.Tensor:
        return own[rows].clone()

    goal = MATCHER.joined(score, DOMAIN, TARGETS, wanted)(torch.arange(2))

    def closeness(scores: ScoreRows, targets: Targets) -> float:
        return -float((scores(torch.arange(len(targets))) - goal).abs().sum())

    found = search_weights(MATCHER, score, DOMAIN, TARGETS, closeness)
    assert (found.titles, found.anchors, found.recency) == (wanted.titles, wanted.anchors, wanted.recency)
    strength, (titles, anchors), recency, popularity = BEGINNING
    blind = search_weights(MATCHER, score, DOMAIN, TARGETS, lambda scores, targets: 0.0)
    assert blind == MatchingWeights(strength * titles, strength * anchors, recency, strength * popularity)


def test_alone_and_without_titles_only_anchors_are_left_to_choose() -> None:
    matcher = Matcher(csr_matrix(ANCHORS), IDF, None, CPU)
    found = search_weights(matcher, None, DOMAIN, TARGETS, lambda scores, targets: float(scores(torch.arange(2))[0, 4]))
    assert found.titles == 0
    assert found.anchors == 1


def test_a_search_looks_at_a_sample_of_many_users(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    many = small_domain([[0, 1, 2, 3]] * (2 * FEWEST_USERS), n_items=5)
    targets = targets_of(leave_one_out(many), "test")

    def validate(scores: ScoreRows, some: Targets) -> float:
        looked.append(len(np.unique(some.users)))
        return 0.0

    search_weights(MATCHER, None, many, targets, validate)
    assert set(looked) == {2 * FEWEST_USERS}, "few enough scores: everybody"
    looked.clear()
    monkeypatch.setattr("transfer.terms.search.LARGEST_SEARCH", 5)
    search_weights(MATCHER, None, many, targets, validate)
    assert set(looked) == {FEWEST_USERS}


def test_weights_survive_a_models_buffer() -> None:
    weights = MatchingWeights(titles=8.0, anchors=4.0, recency=0.6, popularity=1.6)
    assert MatchingWeights.of(weights.tensor()) == weights


def test_the_name_says_so_and_the_base_does_without() -> None:
    variant = parse_variant("sasrec+anchors+no-id+source+matching+ipe+constant")
    assert variant.terms
    assert variant.base.label == "sasrec+anchors+no-id+source"
    assert not variant.base.terms


def test_popularity_is_a_term_of_its_own() -> None:
    counts = np.array([0, 1, 3, 7, 0], dtype=np.float32)
    matcher = Matcher(csr_matrix(ANCHORS), IDF, None, CPU, counts)
    found = matcher.alone(DOMAIN, TARGETS, MatchingWeights(popularity=2.0))(torch.arange(2)).numpy()
    np.testing.assert_allclose(found, np.tile(2 * np.log1p(counts) / np.log(8), (2, 1)), rtol=1e-6)
    by_count = search_weights(
        matcher, None, DOMAIN, TARGETS, lambda scores, _: float(scores(torch.arange(2))[:, 3].sum())
    )
    assert by_count.popularity > 0


def test_an_item_that_nobody_could_meet_is_as_popular_as_the_others_on_average() -> None:
    counts = np.array([0, 1, np.nan, 7, 0], dtype=np.float32)
    matcher = Matcher(csr_matrix(ANCHORS), IDF, None, CPU, counts)
    logs = np.log1p([0, 1, 7, 0])
    np.testing.assert_allclose(matcher.popularity[2], logs.mean() / logs.max(), rtol=1e-6)
    np.testing.assert_allclose(matcher.popularity[3], 1.0)
