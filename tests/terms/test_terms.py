"""Late terms: what each says, by hand; how they join a score; where their weights come from."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from transfer_cases import small_domain

from domains.domain import Domain, TimeKind
from domains.split import fewer_users, leave_one_out
from transfer.evaluation.protocol import Targets, targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.settings import EvaluationSettings
from transfer.evaluation.target_histories import history_matrix
from transfer.evaluation.tiles import InnerProducts
from transfer.items.sentence_vectors import TitleSpace
from transfer.terms import item_pairs
from transfer.terms.candidates import OWN, find_candidates, spread_of
from transfer.terms.counts import train_matrix
from transfer.terms.item_pairs import (
    Follows,
    count_transitions,
    find_companions,
    recent_items,
    scaled_rows,
    shared_users,
    strongest,
)
from transfer.terms.joined import joined
from transfer.terms.known import KnownItems, known_items
from transfer.terms.late_terms import TERMS, weights_of
from transfer.terms.linear_items import L2, find_taste
from transfer.terms.search import EVIDENCE, FEWEST_USERS, HALF, Point, average, drawn, expected, halves, search_weights
from transfer.terms.weights import LEAVE_OUT, TermBuffers, TermWeights
from transfer.variants import TERMS as NAMES
from transfer.variants import parse_variant

CPU = torch.device("cpu")
HISTORIES = [[0, 1, 2], [3, 2, 1, 0]]
GENERATOR = np.random.default_rng(0)
ANCHORS = (GENERATOR.random((5, 7)) < 0.5).astype(np.float32)
IDF = GENERATOR.random(7).astype(np.float32) + 0.1
TITLES = torch.nn.functional.normalize(torch.from_numpy(GENERATOR.normal(size=(5, 4)).astype(np.float32)), dim=-1)
DOMAIN = small_domain([[0, 1, 2, 3], [3, 2, 1, 0, 4]], n_items=5)
TARGETS = targets_of(leave_one_out(DOMAIN), "test")
KNOWN = KnownItems(item_anchors=csr_matrix(ANCHORS), idf=IDF, title_vectors=TITLES, device=CPU)
BOTH = torch.arange(2)


def timed(histories: list[list[int]], times: list[list[int]], n_items: int) -> Domain:
    """Histories with timestamps."""
    flat = np.array([time for one in times for time in one], dtype=np.int64)
    return replace(small_domain(histories, n_items=n_items), times=flat, time_kind=TimeKind.TIMESTAMP)


def counted(domain: Domain) -> np.ndarray:
    return count_transitions(leave_one_out(domain)).toarray()


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / length) if length else 0.0


def test_titles_and_anchors_are_cosines_with_the_recent_history() -> None:
    weights = TermWeights(titles=2.0, anchors=3.0, recency=0.5)
    found = joined(None, KNOWN, DOMAIN, TARGETS, weights)(BOTH).numpy()
    for row, history in enumerate(HISTORIES):
        ages = range(len(history) - 1, -1, -1)
        words = sum(0.5**age * ANCHORS[item] * IDF for item, age in zip(history, ages, strict=True))
        title = sum(0.5**age * TITLES[item].numpy() for item, age in zip(history, ages, strict=True))
        for item in range(5):
            expected = 2 * cosine(title, TITLES[item].numpy()) + 3 * cosine(words, ANCHORS[item] * IDF)
            assert abs(found[row, item] - expected) < 1e-5


def test_transitions_count_three_steps_of_the_part_that_trains() -> None:
    # The last two of each user are held out; 0 1 2 3 trains.
    expected = np.zeros((6, 6))
    expected[0, 1] = expected[1, 2] = expected[2, 3] = 1.0
    expected[0, 2] = expected[1, 3] = 0.5
    expected[0, 3] = 0.25
    domain = small_domain([[0, 1, 2, 3, 4, 5]], n_items=6)
    np.testing.assert_allclose(counted(domain), expected)
    two = small_domain([[0, 1, 2, 3, 4, 5], [5, 4, 0, 1, 2]], n_items=6)
    expected[5, 4] = expected[4, 0] = 1.0
    expected[5, 0] = 0.5
    np.testing.assert_allclose(counted(two), expected)


def test_only_users_that_train_are_counted() -> None:
    split = leave_one_out(small_domain([[0, 1, 2, 3], [3, 2, 1, 0]] * 8, n_items=4))
    few = fewer_users(split, 1 / 16, seed=0)
    assert count_transitions(few).sum() == 1.0
    nobody = count_transitions(replace(split, training_users=np.empty(0, np.int64)))
    assert nobody.nnz == 0 and nobody.shape == (4, 4)


def test_interactions_of_one_time_count_both_ways_alike() -> None:
    # 0 and 1 share a time: either may come first, and 2 follows both one and two steps later.
    expected = np.zeros((5, 5))
    expected[0, 1] = expected[1, 0] = 0.5
    expected[0, 2] = expected[1, 2] = (1.0 + 0.5) / 2
    one = timed([[0, 1, 2, 3, 4]], [[7, 7, 8, 9, 10]], 5)
    other = timed([[1, 0, 2, 3, 4]], [[7, 7, 8, 9, 10]], 5)
    np.testing.assert_allclose(counted(one), expected)
    np.testing.assert_allclose(counted(other), expected)


def test_the_order_of_many_ties_decides_nothing() -> None:
    items = [int(item) for item in GENERATOR.permutation(40)]
    times = [5] * 38 + [6, 7]
    first = timed([items], [times], 40)
    second = timed([items[:38][::-1] + items[38:]], [times], 40)
    found = counted(first)
    np.testing.assert_allclose(found, counted(second))
    np.testing.assert_allclose(found, found.T, err_msg="one time alone has no direction")
    assert found.sum() == pytest.approx(37 + 36 / 2 + 35 / 4)


def test_an_order_has_no_ties() -> None:
    domain = replace(small_domain([[0, 1, 2, 3]], n_items=4), times=np.zeros(4, np.int64), time_kind=TimeKind.ORDER)
    expected = np.zeros((4, 4))
    expected[0, 1] = 1.0
    np.testing.assert_allclose(counted(domain), expected)


def test_rows_are_divided_by_the_root_of_their_sum() -> None:
    found = scaled_rows(csr_matrix(np.array([[3.0, 1.0], [0.0, 0.0]]))).toarray()
    np.testing.assert_allclose(found, [[1.5, 0.5], [0.0, 0.0]])


def test_the_last_three_items_count() -> None:
    found = recent_items(DOMAIN, TARGETS).toarray()
    np.testing.assert_allclose(found, [[0.25, 0.5, 1, 0, 0], [1, 0.5, 0.25, 0, 0]])


def test_recent_items_are_the_users_own() -> None:
    domain = small_domain([[0, 1, 2], [3, 4, 0], [4, 3, 2]], n_items=5)
    targets = targets_of(leave_one_out(domain), "validation")
    np.testing.assert_allclose(recent_items(domain, targets).toarray(), np.eye(5)[[0, 3, 4]])


def test_recent_items_of_one_time_share_their_places_and_the_target_is_none_of_them() -> None:
    domain = timed([[0, 1, 2, 3, 4]], [[1, 2, 3, 3, 3]], 5)
    targets = targets_of(leave_one_out(domain), "test")
    np.testing.assert_allclose(recent_items(domain, targets).toarray(), [[0, 0.25, 0.75, 0.75, 0]])


def test_backward_and_onward_transitions() -> None:
    counts = np.zeros((4, 4), np.float32)
    counts[0, 1], counts[1, 2], counts[2, 3] = 4.0, 1.0, 1.0
    follows = Follows(csr_matrix(counts))
    np.testing.assert_allclose(follows.forward.toarray()[0], [0, 2, 0, 0])
    np.testing.assert_allclose(follows.backward.toarray()[1], [2, 0, 0, 0])
    # From 0: forward to 1 (2), from there forward to 2 (1); back from 1 to 0 is no news.
    np.testing.assert_allclose(follows.onward.toarray()[0], [0, 0, 2, 0])
    # From 2: backward at half strength to 1 (0.5), and again to 0 (1).
    np.testing.assert_allclose(follows.onward.toarray()[2], [0.5, 0, 0, 0])


def test_the_strongest_entries_of_a_row_stay() -> None:
    matrix = csr_matrix(np.array([[1.0, 3.0, 2.0], [0.0, 5.0, 0.0], [2.0, 2.0, 2.0]]))
    np.testing.assert_allclose(strongest(matrix, 2).toarray(), [[0, 3, 2], [0, 5, 0], [2, 2, 0]])


@pytest.mark.parametrize("padded", [1, 40, 1 << 24])
def test_the_strongest_entries_are_those_of_a_sorted_row(padded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_pairs, "_PADDED", padded)
    generator = np.random.default_rng(padded)
    for count in (1, 3, 8):
        dense = generator.integers(0, 4, size=(12, 30)) * (generator.random((12, 1)) < generator.random((12, 30)))
        # The columns of a product are in no order, and many of its entries are equal.
        matrix = csr_matrix(dense)[:, generator.permutation(30)]
        assert not matrix.has_sorted_indices
        found = strongest(matrix, count).toarray()
        for row, kept in zip(matrix.toarray(), found, strict=True):
            order = np.argsort(-row, kind="stable")[:count]
            expected = np.zeros_like(row)
            expected[order] = row[order]
            assert kept.tolist() == expected.tolist()


def test_transitions_and_repeats_score_what_they_say() -> None:
    counts = np.zeros((5, 5), np.float32)
    counts[2, 3], counts[3, 4], counts[0, 4] = 1.0, 4.0, 9.0
    known = replace(KNOWN, follows=csr_matrix(counts))
    found = joined(None, known, DOMAIN, TARGETS, TermWeights(transitions=2.0))(BOTH).numpy()
    # The first history ends 0 1 2: 2 -> 3 counts 1, 0 -> 4 counts 3 at a quarter.
    np.testing.assert_allclose(found[0], [0, 0, 0, 2 * 1.0, 2 * 0.25 * 3.0])
    back = joined(None, known, DOMAIN, TARGETS, TermWeights(backward=1.0))(BOTH).numpy()
    # The second history is 3 2 1 0: 3 stands before nothing recent but was followed by 2's row; 2 came before 3.
    np.testing.assert_allclose(back[1], [0, 0, 0, 0, 0])
    seen = joined(None, known, DOMAIN, TARGETS, TermWeights(repeats=-3.0))(BOTH).numpy()
    np.testing.assert_allclose(seen, [[-3, -3, -3, 0, 0], [-3, -3, -3, -3, 0]])


def test_companions_are_cosines_between_the_training_users_of_items() -> None:
    domain = small_domain([[0, 1, 2, 4, 4], [0, 1, 3, 4, 4], [1, 2, 4, 4], [0, 3]], n_items=5)
    split = replace(leave_one_out(domain, short_users="train"), training_users=np.array([0, 1, 2]))
    # They train on {0, 1, 2}, {0, 1, 3} and {1, 2}.
    users = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]])
    expected = np.array([[cosine(one, other) for other in users] for one in users])
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(find_companions(split).toarray(), expected, rtol=1e-6)
    # 1 has the cosines 2 / sqrt(6) with 0 and with 2, and 1 / sqrt(3) with 3: of equals the first stays.
    assert find_companions(split, 1).toarray()[1].nonzero()[0].tolist() == [0]


def test_pairs_of_many_items_are_found_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    split = leave_one_out(small_domain([GENERATOR.permutation(9)[:7].tolist() for _ in range(20)], n_items=9))
    companions = find_companions(split, 3)
    shared = shared_users(split, companions)
    monkeypatch.setattr(item_pairs, "_PAIRS", 2 * 9)
    np.testing.assert_array_equal(find_companions(split, 3).toarray(), companions.toarray())
    np.testing.assert_array_equal(shared_users(split, companions).toarray(), shared.toarray())


def test_users_of_pairs_are_counted_once_however_often_they_had_an_item() -> None:
    domain = small_domain([[0, 1, 0, 1, 0, 4, 4], [0, 1, 2, 4, 4], [2, 3, 4, 4]], n_items=5)
    split = leave_one_out(domain)
    users = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
    pairs = np.ones((5, 5), np.float32)
    pairs[0, 2] = 0.0
    np.testing.assert_array_equal(shared_users(split, csr_matrix(pairs)).toarray(), (users @ users.T) * (pairs > 0))


def test_taste_is_the_linear_model_whose_weights_are_best_by_least_squares() -> None:
    domain = small_domain([[0, 1, 2, 5, 5], [0, 1, 3, 5, 5], [1, 2, 4, 5, 5], [0, 3], [6, 0]], n_items=7)
    split = replace(leave_one_out(domain, short_users="train"), training_users=np.array([0, 1, 2]))
    # They train on {0, 1, 2}, {0, 1, 3} and {1, 2, 4}; each column is a ridge regression on the others.
    users = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [0, 1, 1, 0, 1]], dtype=np.float64)
    expected = np.zeros((7, 7))
    for item in range(5):
        others = [other for other in range(5) if other != item]
        design = users[:, others]
        inner = design.T @ design + L2 * np.eye(4)
        expected[others, item] = np.linalg.solve(inner, design.T @ users[:, item])
    found = find_taste(split, CPU).toarray()
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert found[3, 2] < 0, "who had 3 had not 2"
    two = find_taste(split, CPU, 2).toarray()
    for row, all_of in zip(two[:5], expected[:5], strict=True):
        assert set(np.flatnonzero(row)) == set(np.argsort(-np.abs(all_of), kind="stable")[:2])


def test_taste_holds_the_items_that_most_users_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transfer.terms.linear_items.LARGEST", 2)
    domain = small_domain([[0, 1, 2, 5, 5], [0, 1, 2, 5, 5], [3, 2, 4, 5, 5], [0, 5, 5]], n_items=6)
    found = find_taste(leave_one_out(domain), CPU)
    assert sorted(zip(*(part.tolist() for part in found.nonzero()), strict=True)) == [(0, 2), (2, 0)]
    nobody = replace(leave_one_out(domain), training_users=np.array([], np.int64))
    assert find_taste(nobody, CPU).nnz == 0 and find_taste(nobody, CPU).shape == (6, 6)


def test_together_counts_the_recent_items_more_and_taste_all_alike() -> None:
    pairs = np.zeros((5, 5), np.float32)
    pairs[1, 3], pairs[2, 3], pairs[2, 4] = 0.5, 0.25, 1.0
    known = replace(KNOWN, companions=csr_matrix(pairs), taste=csr_matrix(-pairs))
    found = joined(None, known, DOMAIN, TARGETS, TermWeights(together=2.0, recency=0.5))(BOTH).numpy()
    np.testing.assert_allclose(found[0], [0, 0, 0, 2 * (0.5 * 0.5 + 0.25), 2 * 1.0])
    found = joined(None, known, DOMAIN, TARGETS, TermWeights(taste=2.0, recency=0.5))(BOTH).numpy()
    np.testing.assert_allclose(found[0], [0, 0, 0, -2 * (0.5 + 0.25), -2 * 1.0])


def test_a_missing_ingredient_gives_nothing() -> None:
    bare = KnownItems(item_anchors=csr_matrix((5, 7), dtype=np.float32), idf=IDF, title_vectors=None, device=CPU)
    everything = TermWeights(
        titles=1,
        anchors=1,
        recency=0.6,
        popularity=1,
        transitions=1,
        backward=1,
        onward=1,
        together=1,
        taste=1,
        repeats=1,
    )
    found = joined(None, bare, DOMAIN, TARGETS, everything)(BOTH).numpy()
    np.testing.assert_allclose(found, history_matrix(DOMAIN, TARGETS).toarray())
    single = small_domain([[0], [1]], n_items=2)
    alone = count_transitions(leave_one_out(single, short_users="train"))
    assert alone.nnz == 0
    known = replace(bare, item_anchors=csr_matrix((2, 7), dtype=np.float32), follows=alone)
    targets = Targets(
        users=np.array([0]), stops=np.array([0]), items=np.array([1]), seen_starts=np.array([0]), excludes_seen=True
    )
    np.testing.assert_allclose(joined(None, known, single, targets, everything)(torch.arange(1)), [[0, 0]])


def test_counts_of_new_items_are_unknown() -> None:
    split = leave_one_out(DOMAIN)
    known = known_items(split, csr_matrix(ANCHORS), IDF, None, torch.arange(5) != 3, CPU)
    np.testing.assert_array_equal(known.counts, [1, 2, 1, np.nan, 0])


def test_a_long_history_counts_by_its_end() -> None:
    split = leave_one_out(DOMAIN)
    np.testing.assert_array_equal(train_matrix(split).toarray(), [[1, 1, 0, 0, 0], [0, 1, 1, 1, 0]])
    np.testing.assert_array_equal(train_matrix(split, 1).toarray(), [[0, 1, 0, 0, 0], [0, 1, 0, 0, 0]])


def test_a_repeated_item_counts_at_its_last_place() -> None:
    domain = small_domain([[0, 1, 0, 2, 1, 1], [2, 2, 1, 0]], n_items=3, repeats=True)
    targets = targets_of(leave_one_out(domain), "test")
    np.testing.assert_allclose(history_matrix(domain, targets, 0.5).toarray(), [[0.25, 1, 0.5], [0, 1, 0.5]])


def test_popularity_is_the_logarithm_of_counts() -> None:
    counts = np.array([0, 1, np.nan, 7, 0], dtype=np.float32)
    known = replace(KNOWN, counts=counts)
    found = joined(None, known, DOMAIN, TARGETS, TermWeights(popularity=2.0))(BOTH).numpy()
    logs = np.log1p([0, 1, 0, 7, 0])
    logs[2] = np.log1p([0, 1, 7, 0]).mean()  # nobody could meet it: as popular as the others on average
    np.testing.assert_allclose(found, np.tile(2 * logs / logs.max(), (2, 1)), rtol=1e-6)


def test_every_form_of_a_joined_score_is_the_plain_sum() -> None:
    """The fast path of inner products, that of sparse additions, and a model that is only a function."""
    generator = np.random.default_rng(1)
    domain = small_domain([list(generator.permutation(30)[:8]) for _ in range(40)], n_items=30)
    split = leave_one_out(domain)
    targets = targets_of(split, "test")
    anchors = csr_matrix((generator.random((30, 12)) < 0.2).astype(np.float32))
    titles = torch.nn.functional.normalize(torch.randn(30, 6, generator=torch.Generator().manual_seed(0)), dim=-1)
    known = known_items(split, anchors, np.ones(12, np.float32), titles, None, CPU)
    weights = TermWeights(
        titles=0.7,
        anchors=0.4,
        recency=0.6,
        popularity=0.1,
        transitions=1.1,
        backward=0.3,
        onward=0.2,
        together=0.9,
        taste=0.8,
        repeats=-5.0,
    )
    model = InnerProducts(torch.randn(40, 5), torch.randn(30, 5))
    rows = torch.tensor([3, 0, 39])
    plain = model(rows)
    for term in TERMS.values():
        for name, part in term.parts(known, domain, targets, weights.recency).items():
            plain = plain + getattr(weights, name) * part(rows)
    torch.testing.assert_close(joined(model, known, domain, targets, weights)(rows), plain)
    torch.testing.assert_close(joined(lambda some: model(some), known, domain, targets, weights)(rows), plain)
    settings = EvaluationSettings()
    fast = rank(domain, targets, joined(model, known, domain, targets, weights), settings, CPU, sampled=False)
    both = rank(domain, targets, joined(model, known, domain, targets, weights), settings, CPU)
    np.testing.assert_array_equal(fast.full, both.full)


def test_no_weight_leaves_scores_as_they_are() -> None:
    def own(rows: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(rows), 5)

    assert joined(own, KNOWN, DOMAIN, TARGETS, TermWeights()) is own
    assert not TermWeights(recency=0.4)


def test_every_name_of_a_variant_is_a_term_and_every_weight_belongs_to_one() -> None:
    assert tuple(TERMS) == NAMES
    assert {*weights_of(NAMES), "recency"} == set(TermWeights.__dataclass_fields__)
    assert TermWeights(titles=1, anchors=2, recency=0.5, popularity=3).only(weights_of(("titles",))) == TermWeights(
        titles=1, recency=0.5
    )
    assert parse_variant("terms").terms == NAMES


def test_weights_survive_a_models_state() -> None:
    weights = TermWeights(titles=8.0, anchors=4.0, recency=0.6, popularity=1.6, repeats=LEAVE_OUT)
    buffers = TermBuffers()
    assert buffers.get() == TermWeights()
    buffers.set(weights)
    assert buffers.get() == weights == TermWeights.of(weights.tensors())
    assert weights.times(2) == replace(weights, titles=16.0, anchors=8.0, popularity=3.2)


def chains(users: int, seed: int = 0) -> Domain:
    """Users who walk round a ring of 20 items: what follows says everything, titles and popularity nothing."""
    starts = np.random.default_rng(seed).integers(0, 20, users)
    return small_domain([[int(start + step) % 20 for step in range(6)] for start in starts], n_items=20)


def ring(users: int) -> tuple[KnownItems, Domain, Targets]:
    domain = chains(users)
    split = leave_one_out(domain)
    titles = torch.nn.functional.normalize(torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), dim=-1)
    known = known_items(split, csr_matrix((20, 3), dtype=np.float32), np.ones(3, np.float32), titles, None, CPU)
    return known, domain, targets_of(split, "validation")


def test_the_search_finds_what_helps_and_drops_what_does_not() -> None:
    known, domain, targets = ring(200)
    found = search_weights(None, known, domain, targets, NAMES)
    assert found.transitions > 0
    assert found.anchors == 0, "no item has an anchor"
    assert found.repeats == LEAVE_OUT, "nobody has an item twice"
    scores = joined(None, known, domain, targets, found)
    ranking = rank(domain, targets, scores, EvaluationSettings(), CPU, sampled=False)
    assert (ranking.full == 0).mean() > 0.95
    assert search_weights(None, known, domain, targets, ("popularity",)).transitions == 0


def test_only_repeats_weigh_against_an_item() -> None:
    known, domain, targets = ring(200)
    titles = torch.eye(20)[:, :3] + 0.1
    known = replace(known, title_vectors=torch.nn.functional.normalize(titles, dim=-1))
    alone = search_weights(None, known, domain, targets, ("titles",))
    assert alone.titles >= 0, "candidates do not hold the items that a negative weight brings to the top"
    wrong = InnerProducts(-torch.nn.functional.one_hot(torch.from_numpy(targets.items), 20).float(), torch.eye(20))
    beside = search_weights(wrong, known, domain, targets, NAMES)
    finite = [value for name, value in vars(beside).items() if name != "repeats"]
    assert min(finite) >= 0
    assert max(finite) < 1e5, "a model that is wrong is not divided by nothing"


def test_weights_are_in_units_of_the_models_scores() -> None:
    known, domain, targets = ring(100)
    own = torch.from_numpy(np.random.default_rng(1).normal(size=(100, 20)).astype(np.float32))
    own[torch.arange(100), torch.from_numpy(targets.items)] += 1  # good, but transitions add to it
    once, tenfold = (
        search_weights(lambda rows, factor=factor: factor * own[rows], known, domain, targets, ("transitions",))
        for factor in (1, 10)
    )
    assert once.transitions > 0
    assert tenfold.transitions == pytest.approx(10 * once.transitions, rel=1e-3)


def test_a_good_model_keeps_its_say() -> None:
    known, domain, targets = ring(200)
    perfect = torch.nn.functional.one_hot(torch.from_numpy(targets.items), 20).float()
    noise = TermWeights(titles=1.0)
    own = InnerProducts(perfect, torch.eye(20))
    found = search_weights(own, replace(known, follows=None), domain, targets, ("titles", "popularity"))
    assert not found, "a perfect model needs no term"
    mixed = joined(own, known, domain, targets, noise.times(50))
    found = search_weights(mixed, replace(known, counts=None), domain, targets, ("transitions",))
    assert found.transitions > 0
    assert found.titles == found.repeats == 0


def test_a_good_model_keeps_its_say_among_a_sample_of_the_users() -> None:
    known, domain, targets = ring(2 * FEWEST_USERS)
    perfect = torch.nn.functional.one_hot(torch.from_numpy(targets.items), 20).float()
    own = InnerProducts(perfect, torch.eye(20))
    assert not search_weights(own, replace(known, follows=None), domain, targets, ("titles", "popularity"), largest=1)


def test_a_model_and_a_term_that_know_different_users_both_count() -> None:
    known, domain, targets = ring(200)
    first = torch.arange(len(targets))[:, None] % 2 == 0
    noise = torch.randn(len(targets), 20, generator=torch.Generator().manual_seed(4))
    right = torch.nn.functional.one_hot(torch.from_numpy(targets.items), 20).float()
    own = InnerProducts(torch.where(first, 4 * right, 1.5 * right) + noise, torch.eye(20))
    found = search_weights(own, known, domain, targets, ("titles", "transitions"))
    scores = {
        name: joined(own, known, domain, targets, weights)
        for name, weights in (("both", found), ("own", TermWeights()))
    }
    found_ranks = {
        name: rank(domain, targets, rows, EvaluationSettings(), CPU, sampled=False).full
        for name, rows in scores.items()
    }
    assert (found_ranks["both"] == 0).mean() > (found_ranks["own"] == 0).mean() + 0.1


def test_where_people_buy_again_repeats_count_for_an_item() -> None:
    domain = small_domain(
        [[item, item + 1, item, item + 1, item, item + 1] for item in range(0, 40, 2)] * 10, n_items=41, repeats=True
    )
    split = leave_one_out(domain)
    bare = KnownItems(
        item_anchors=csr_matrix((41, 3), dtype=np.float32), idf=np.ones(3, np.float32), title_vectors=None, device=CPU
    )
    found = search_weights(None, bare, domain, targets_of(split, "validation"), ("repeats",))
    assert found.repeats > 0


def test_an_item_counts_by_how_often_the_user_had_it() -> None:
    domain = small_domain([[0, 1, 0, 2, 0, 1, 3]], n_items=5, repeats=True)
    known = replace(KNOWN, follows=None, companions=None)
    targets = targets_of(leave_one_out(domain), "test")
    found = joined(None, known, domain, targets, TermWeights(repeats=2.0))(torch.arange(1)).numpy()
    np.testing.assert_allclose(found, [[2 * np.log2(4), 2 * np.log2(3), 2.0, 0, 0]], rtol=1e-6)


def test_the_rest_of_a_basket_is_no_candidate_for_the_target() -> None:
    """Everyone buys one of his two staples last, with two other items: staples count, the basket does not."""
    baskets = [[item, item + 1, item, item + 1, 30 + item % 7, 38, item] for item in range(0, 20, 2)] * 10
    domain = small_domain(baskets, [[1, 1, 2, 2, 3, 3, 3]] * len(baskets), n_items=41, repeats=True)
    bare = KnownItems(
        item_anchors=csr_matrix((41, 3), dtype=np.float32), idf=np.ones(3, np.float32), title_vectors=None, device=CPU
    )
    targets = targets_of(leave_one_out(domain), "test")
    found = find_candidates(None, bare, domain, targets, ("repeats",))
    first = found.feature("repeats", 0.6)[found.user == 0]
    assert (first > 0).sum() == 2, "of four items that the user had, two are in the basket of the target"


def test_searches_are_averaged_by_the_ratios_of_their_weights() -> None:
    scale = {"titles": 1.0, "transitions": 0.5, "popularity": 1.0}
    points = [
        Point({"titles": 3.0, "transitions": 8.0, "popularity": 0.0, "repeats": LEAVE_OUT}, 0.9),
        Point({"titles": 30.0, "transitions": 80.0, "popularity": 0.0, "repeats": LEAVE_OUT}, 0.6),
        Point({"titles": 0.8, "transitions": 0.0, "popularity": 0.6, "repeats": 1.0}, 0.6),
    ]
    found = average(points, scale)
    assert found.weights == pytest.approx(
        {"titles": (0.6 + 0.6 + 0.8) / 3, "transitions": (1.6 + 1.6) / 3, "popularity": 0.0, "repeats": LEAVE_OUT}
    )
    assert found.recency == 0.6
    apart = [Point({part: float(part == other) for part in scale}, 0.6) for other in scale]
    assert average(apart, scale).weights == pytest.approx({"titles": 1 / 3, "transitions": 2 / 3, "popularity": 1 / 3})


def test_with_little_evidence_weights_stay_near_the_expected_ones() -> None:
    scale = {"titles": 1.0, "transitions": 0.5}
    mined = Point({"titles": 0.0, "transitions": 8.0, "repeats": LEAVE_OUT}, 0.9)
    usual = Point({"titles": 3.0, "transitions": 0.0, "repeats": 0.0}, 0.6)
    assert drawn(mined, usual, scale, 0.0).weights == {"titles": 1.0, "transitions": 0.0, "repeats": LEAVE_OUT}
    half = drawn(mined, usual, scale, EVIDENCE)
    assert half.weights == pytest.approx({"titles": 0.5, "transitions": 1.0, "repeats": LEAVE_OUT})
    assert drawn(mined, usual, scale, EVIDENCE / 2).recency == 0.6
    assert half.recency == 0.9
    much = drawn(mined, usual, scale, 100 * EVIDENCE)
    assert much.weights == pytest.approx({"titles": 0.0, "transitions": 2.0, "repeats": LEAVE_OUT}, rel=0.02)
    assert much.weights["titles"] == 0, "much evidence dropped it"


def test_learned_parts_are_expected_to_say_little_where_there_are_few_interactions() -> None:
    usual = Point({OWN: 1.0, "titles": 2.0, "popularity": 3.0, "transitions": 4.0}, 0.6)
    for each, share in ((0, 0.0), (HALF, 0.5), (3 * HALF, 0.75)):
        known = replace(KNOWN, counts=np.full(KNOWN.count, each, np.float32))
        found = expected(usual, known).weights
        assert found == pytest.approx({OWN: share, "titles": 2.0, "popularity": 3.0, "transitions": 4 * share})
    assert expected(usual, replace(KNOWN, counts=None)) == usual


def test_where_no_target_ranks_high_no_part_is_dropped() -> None:
    """Neither histories nor texts say what these users have next, so that leaving a part out costs nothing."""
    known, _, _ = ring(200)
    domain = small_domain([[5, 6, 7, 8, item] for item in (1, 3)], n_items=20)
    few = targets_of(leave_one_out(domain), "test")
    found = asdict(search_weights(None, known, domain, few, ("titles", "popularity", "transitions")))
    assert all(found[name] > 0 for name in ("titles", "popularity", "transitions", "onward")), found


def test_a_part_that_scores_few_candidates_is_not_stretched() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(5, 2, 1000).astype(np.float32)
    assert spread_of(scores) == pytest.approx(scores.std())
    for share, peak in ((0.5, 1.0), (1 / 9, 1.0), (0.01, 1 / 0.3), (0.001, 1 / 0.3 * 10**0.5)):
        some = np.where(np.arange(1000) < 1000 * share, scores, 0).astype(np.float32)
        assert spread_of(some) == pytest.approx(some.std() * peak, rel=1e-2)
    assert spread_of(np.zeros(5, np.float32)) == spread_of(np.zeros(0, np.float32)) == 0


@pytest.mark.parametrize("repeats", [False, True])
def test_candidates_are_the_best_items_that_may_be_recommended(repeats: bool) -> None:
    """The best 40 of every part, 40 evenly spaced ones, and the target."""
    items, histories = 400, [[0, 399, 200, 7, 10, 11], [5, 6, 7, 8, 9, 10]]
    domain = small_domain(histories, n_items=items, repeats=repeats)
    targets = targets_of(leave_one_out(domain), "validation")
    own = torch.from_numpy(np.random.default_rng(0).normal(size=(2, items)).astype(np.float32))
    own[0, :8] += 10  # most of the history scores best
    bare = KnownItems(item_anchors=csr_matrix((items, 1)), idf=IDF[:1], title_vectors=None, device=CPU)
    found = find_candidates(lambda rows: own[rows], bare, domain, targets, ("repeats",))
    scores = found.features["own", None]
    for row, history in enumerate(histories):
        mine, seen = own[row].numpy(), history[:4]
        allowed = [item for item in range(items) if repeats or item not in seen]
        best = sorted(allowed, key=lambda item: -mine[item])[:40]
        spaced = {item for item in torch.linspace(0, items - 1, 40).long().tolist() if item in allowed}
        chosen = sorted({*best, *spaced, history[4], *(seen if repeats else ())})
        np.testing.assert_array_equal(scores[found.user == row], mine[chosen])
        assert chosen[found.target[row] - found.starts[row]] == history[4]


def test_gains_are_those_of_the_first_ten_places() -> None:
    known, domain, targets = ring(200)
    candidates = find_candidates(None, known, domain, targets, NAMES)
    scores = np.arange(len(candidates.user), 0, -1, dtype=np.float32)
    place = candidates.target - candidates.starts
    assert {9, 10} <= set(place.tolist())
    np.testing.assert_allclose(candidates.gains(scores), np.where(place < 10, 1 / np.log2(place + 2), 0))
    assert (candidates.gains(np.zeros_like(scores)) == 0).all(), "all tie, and there are more than ten"


def test_candidates_of_some_users_measure_these_users() -> None:
    known, domain, targets = ring(30)
    candidates = find_candidates(None, known, domain, targets, NAMES)
    scores = candidates.feature("titles", 0.6)
    gains, rows = candidates.gains(scores), np.array([4, 4, 29])
    few = candidates.of_users(rows)
    assert few.gains(few.feature("titles", 0.6)).tolist() == gains[rows].tolist()
    assert set(gains) != {gains[0]}, "users differ"


def test_without_anything_to_weigh_nothing_is_found() -> None:
    bare = KnownItems(item_anchors=csr_matrix((5, 7), dtype=np.float32), idf=IDF, title_vectors=None, device=CPU)
    assert search_weights(None, bare, DOMAIN, TARGETS, ("titles", "transitions")) == TermWeights()
    nobody = TARGETS.only(np.empty(0, np.int64))
    assert search_weights(None, KNOWN, DOMAIN, nobody, NAMES) == TermWeights(repeats=LEAVE_OUT)


def test_a_search_looks_at_a_sample_of_many_users(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    known, domain, targets = ring(2 * FEWEST_USERS)
    monkeypatch.setattr(
        "transfer.terms.search.find_candidates",
        lambda own, known, domain, few, terms, done: looked.append(len(few)) or _stop(),
    )
    for largest in (1 << 25, 5):
        with pytest.raises(StopIteration):
            search_weights(None, known, domain, targets, NAMES, largest=largest)
    assert looked == [2 * FEWEST_USERS, FEWEST_USERS]


def _stop() -> None:
    raise StopIteration


def test_halves_are_disjoint_and_of_the_seed() -> None:
    users = np.arange(100, 111)
    first, second = halves(users, 3)
    assert sorted([*first, *second]) == list(users)
    assert len(first) == 6 and (np.diff(first) > 0).all()
    assert (first == halves(users, 3)[0]).all()
    assert not (first == halves(users, 4)[0]).all()
    alone = np.array([7])
    assert [list(half) for half in halves(alone, 0)] == [[7], [7]]
    assert [len(half) for half in halves(users[:0], 0)] == [0, 0]


def test_titles_are_compared_without_their_mean_along_their_main_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    shared = torch.tensor([3.0, 0, 0, 0, 0, 0])
    plane = torch.randn(40, 2, generator=generator) @ torch.randn(2, 6, generator=generator)
    vectors = plane + shared
    vectors[3] = 0.0
    there = vectors.ne(0).any(dim=1)
    centred = vectors - vectors[there].mean(0)
    expected = torch.nn.functional.normalize(centred, dim=-1) * there[:, None]
    for narrow in (False, True):
        space = TitleSpace.of(vectors, narrow=narrow, width=2)
        assert (space.basis is None) is not narrow
        known = KnownItems(
            item_anchors=csr_matrix((40, 7), dtype=np.float32),
            idf=IDF,
            title_vectors=vectors,
            device=CPU,
            title_space=space,
        )
        assert known.titles is not None and not known.titles[3].any(), "an item without a title is like no other"
        torch.testing.assert_close(known.titles @ known.titles.t(), expected @ expected.t(), atol=1e-5, rtol=1e-5)
    narrow_space = TitleSpace.of(vectors, narrow=True, width=2).basis
    assert narrow_space is not None
    torch.testing.assert_close(narrow_space.t() @ narrow_space, torch.eye(2))
    assert TitleSpace.of(vectors, narrow=True, width=6).basis is None
    assert not TitleSpace.of(torch.zeros(4, 6), narrow=True, width=2)(torch.zeros(4, 6)).any()


def test_what_is_left_out_ranks_below_any_score():
    weights = TermWeights(titles=1.0, repeats=LEAVE_OUT)
    kept = TermWeights.of(weights.tensors())
    assert kept == weights == kept.times(3.0).times(1 / 3)
    older = TermWeights.of({"terms.titles": torch.tensor(1.0), "terms.repeats": torch.tensor(-1000.0)})
    assert older == weights, "files of earlier releases mean the same"
    counts = torch.zeros(2, 5)
    for row, history in zip(counts, HISTORIES, strict=True):
        row[history] = 5e6
    scores = joined(lambda rows: counts[rows].clone(), KNOWN, DOMAIN, TARGETS, TermWeights(repeats=LEAVE_OUT))
    for row, history in zip(scores(BOTH), HISTORIES, strict=True):
        rest = [item for item in range(5) if item not in history]
        assert row[list(set(history))].max() < row[rest].min()
