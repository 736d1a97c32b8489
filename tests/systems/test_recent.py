"""`recent`: counts that fade with age, at the time of each target or, for people who are served, at the end."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from cli_cases import run_command
from refusals import refusal
from scipy.sparse import csr_matrix
from serving_cases import made_run
from transfer_cases import random_histories, rank_with, small_domain

from domains.domain import TimeKind
from domains.split import fewer_users, leave_one_out
from transfer import load_run
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.registry import Items, Target, find_system, system_settings
from transfer.runs.adapt import skipped_variants
from transfer.runs.plan import make_split
from transfer.runs.reevaluate import reevaluate
from transfer.runs.sharing import share
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.serving.export import Graph, export
from transfer.serving.history import History
from transfer.serving.recommend import Recommender
from transfer.systems.recent import RecentSettings, fit
from transfer.terms.counts import train_positions
from transfer.terms.joined import joined
from transfer.terms.known import known_items
from transfer.terms.recent_items import DAY, RecentCounts, RecentItems, choose_half_life
from transfer.terms.weights import LEAVE_OUT, TermWeights
from transfer.variants import parse_variant
from vocab.encoder.settings import SemanticSettings

ITEMS = 9
NOTHING = csr_matrix((ITEMS, 1), dtype=np.float32)


def dated(seed=0, users=30, days=20):
    """Histories whose times are whole and half days, several users at one time."""
    generator = np.random.default_rng(seed)
    histories = random_histories(generator, users, ITEMS, 3, 7)
    times = [np.sort(generator.integers(0, 2 * days, len(one))) * 43_200 + 1_500_000_000 for one in histories]
    return small_domain(histories, [one.tolist() for one in times], n_items=ITEMS)


def counted(split, now, half_life, events=None):
    """(I,) by a loop: every training interaction before a moment, halved each half-life."""
    _, position = train_positions(split)
    found = np.zeros(ITEMS)
    for place in position if events is None else events:
        age = (now - split.domain.times[place]) / DAY
        if age > 0 or events is not None:
            found[split.domain.items[place]] += 0.5 ** (age / half_life)
    return found


@pytest.mark.parametrize("stage", ["validation", "test"])
def test_a_target_is_ranked_by_what_users_had_before_it(stage):
    split = fewer_users(leave_one_out(dated()), 0.8, 0)
    targets = targets_of(split, stage)
    found = rank_with("recent", split, NOTHING, np.ones(1), stage, systems={"recent": {"half_life": 2.0}})
    found = found(torch.arange(len(targets))).numpy()
    moments = np.unique(split.domain.times[train_positions(split)[1]])
    for row, stop in enumerate(targets.stops):
        now = moments[moments <= split.domain.times[stop]].max(initial=moments[0])
        wanted = np.log1p(counted(split, now, 2.0))
        assert np.abs(found[row] - wanted).max() < 2e-3, "what breaks ties is small"
    many = np.unique(found.round(9), axis=0)
    assert len(many) > 5, "the list changes with time"


def test_interactions_at_or_after_a_target_do_not_count():
    """Item 2 is bought by everyone, but later than the target of the first user."""
    domain = small_domain(
        [[0, 1, 3], *([[2, 2, 0, 1]] * 4)],
        [[0, DAY, 2 * DAY], *([[3 * DAY, 4 * DAY, 5 * DAY, 6 * DAY]] * 4)],
        n_items=ITEMS,
        repeats=True,
    )
    split = leave_one_out(domain)
    scores = rank_with("recent", split, NOTHING, np.ones(1), systems={"recent": {"half_life": 1.0}})
    first, other = scores(torch.tensor([0, 1])).numpy()
    assert first[2] < 0.01 < other[2]


def test_who_is_served_is_asked_for_now_so_that_all_interactions_count():
    split = leave_one_out(dated())
    target = Target(split=split, items=Items(NOTHING, np.ones(1)), source=None, runtime=Runtime())
    system = find_system("recent")
    ranker = system.fit(target, system_settings(system, {"recent": {"half_life": 3.0}}))
    history = History.of_items(split.domain, np.array([1, 2]))
    [found] = ranker(history.domain, history.targets)(torch.arange(1)).numpy()
    domain = split.domain
    wanted = np.log1p(counted(split, domain.times.max(), 3.0, range(domain.n_interactions)))
    assert np.abs(found - wanted).max() < 2e-3


def test_training_interactions_choose_the_half_life():
    """A fad a day needs a short one; where nothing changes, more counts are better."""
    generator = np.random.default_rng(0)
    day = np.sort(generator.integers(0, ITEMS * 3, (400, 5)), axis=1)
    fads = [(one // 3).tolist() for one in day]
    times = [sorted(int(moment * DAY + generator.integers(0, 40_000)) for moment in one) for one in day]
    chosen = {}
    for name, histories in (("fads", fads), ("steady", generator.choice(ITEMS, (400, 5)).tolist())):
        split = leave_one_out(small_domain(histories, times, n_items=ITEMS, repeats=True))
        _, position = train_positions(split)
        position = position[np.argsort(split.domain.times[position], kind="stable")]
        counts = RecentCounts(split.domain.items[position], split.domain.times[position], ITEMS)
        chosen[name] = choose_half_life(counts, split)
    assert chosen["fads"] <= 1 < chosen["steady"]


def test_without_training_users_it_is_chance():
    split = fewer_users(leave_one_out(dated()), 0.0, 0)
    rows = rank_with("recent", split, NOTHING, np.ones(1))(torch.arange(2)).numpy()
    np.testing.assert_array_equal(rows[0], rows[1])


def test_an_order_is_no_time():
    domain = small_domain([[0, 1, 2], [1, 2, 3]], n_items=ITEMS, kind=TimeKind.ORDER)
    target = Target(split=leave_one_out(domain), items=Items(NOTHING, np.ones(1)), source=None, runtime=Runtime())
    with refusal(code="time-order"):
        fit(target, system_settings(find_system("recent"), {}))
    variants = [parse_variant(label) for label in ("popular", "recent+terms")]
    for times, wanted in ((True, {}), (False, {"recent+terms": "the times are only an order"})):
        assert skipped_variants(variants, SemanticSettings(), True, True, None, False, times) == wanted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("recent"), "recent", "matching", "item-knn")


def test_a_run_serves_it_and_its_reason_is_that_it_is_popular(folder):
    run = load_run(folder).with_variant("recent")
    (first, *_), user = run.recommend(history=[run.target.domain.titles[0].as_py()]), run.metrics["example_user"]
    assert first.reason == "popular"
    assert len(run.recommend(user=user)) == 10
    assert not Recommender(run.target).reasons.pairs


def test_a_new_item_gets_its_place_by_its_text(folder):
    run = load_run(folder).with_variant("recent")
    title = run.target.domain.titles[0].as_py()
    new = pl.DataFrame({"item_id": ["new"], "title": [title]})
    [found] = run.with_items(new).recommend_new(history=[title])
    assert found.place < run.target.domain.n_items, "not below whatever anybody had"


@pytest.mark.parametrize(("variant", "told"), [("recent", True), ("matching", False)])
def test_a_copy_without_users_says_if_it_cannot_count_their_interactions(folder, tmp_path, capsys, variant, told):
    done = run_command(capsys, "share", folder, tmp_path / "copy", "--variant", variant)
    assert (done.code, "--variant" in done.out) == (0, told)
    copy = load_run(tmp_path / "copy")
    assert copy.variant == variant
    if not told:
        assert copy.recommend(history=[copy.target.domain.titles[0].as_py()])


def test_a_graph_holds_what_is_the_same_for_everyone(folder, tmp_path):
    run = load_run(folder)
    with refusal(code="not-exportable", about="item-knn"):
        export(run.with_variant("item-knn").target, tmp_path / "knn", "torch")
    recommender = Recommender(run.with_variant("recent").target)
    domain = recommender.run.domain
    history = History.of_users(domain, np.arange(3))
    wanted = recommender.scorer.scores(history.domain, history.targets, None)(torch.arange(3)).float()
    padded, lengths = torch.zeros(3, 60, dtype=torch.int64), torch.from_numpy(history.domain.lengths)
    found = Graph(recommender).eval()(padded, lengths.clamp(max=60))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_the_late_term_is_the_baseline_without_what_breaks_its_ties():
    split = leave_one_out(dated())
    known = known_items(split, NOTHING, np.ones(1), None, None, torch.device("cpu"))
    history = History.of_items(split.domain, np.array([1, 2]))
    for domain, targets in ((split.domain, targets_of(split, "test")), (history.domain, history.targets)):
        rows = torch.arange(len(targets))
        target = Target(split=split, items=Items(NOTHING, np.ones(1)), source=None, runtime=Runtime())
        wanted = fit(target, RecentSettings())(domain, targets)(rows).float()
        found = joined(None, known, domain, targets, TermWeights(recent=2.0))(rows)
        torch.testing.assert_close(found, 2 * wanted, rtol=0, atol=3e-3)


def test_a_new_item_has_the_average_level_of_the_others():
    split = leave_one_out(dated())
    hidden = torch.ones(ITEMS, dtype=torch.bool)
    hidden[4] = False
    levels = known_items(split, NOTHING, np.ones(1), None, hidden, torch.device("cpu")).recent_levels
    torch.testing.assert_close(levels[4], levels[hidden].mean(0))


def test_an_order_and_nobody_have_no_levels():
    order = small_domain([[0, 1, 2], [1, 2, 3]], n_items=ITEMS, kind=TimeKind.ORDER)
    assert RecentItems.of(leave_one_out(order)) is None
    assert RecentItems.of(fewer_users(leave_one_out(dated()), 0.0, 0)) is None


@pytest.fixture(scope="module")
def with_term(tmp_path_factory):
    """A run whose product is its late terms, of which `recent` counts most."""
    folder = made_run(tmp_path_factory.mktemp("term"), "terms")
    run = load_run(folder).target
    run.weights.update(TermWeights(recent=3.0, titles=0.5, repeats=LEAVE_OUT).tensors())
    run.save_pretrained(folder.parent / "weighted")
    return folder.parent / "weighted"


def test_a_run_keeps_the_levels_of_now_and_counts_again_to_be_evaluated(with_term):
    run = TargetRun.read(with_term)
    split = make_split(run.domain, run.recipe)
    recent = RecentItems.of(split)
    np.testing.assert_array_equal(run.recent, recent.now)
    targets = targets_of(split, "test")
    known = replace(run.known_items(torch.device("cpu")), recent=recent)
    scores = joined(None, known, split.domain, targets, TermWeights.of(run.weights))
    wanted = rank(split.domain, targets, scores, run.recipe.evaluation, torch.device("cpu"))
    found = reevaluate(run, Runtime())
    cutoffs = run.recipe.evaluation.cutoffs
    assert found["test"] == wanted.metrics(cutoffs)
    stale = joined(None, run.known_items(torch.device("cpu")), split.domain, targets, TermWeights.of(run.weights))
    assert (
        rank(split.domain, targets, stale, run.recipe.evaluation, torch.device("cpu")).metrics(cutoffs) != found["test"]
    )


def test_a_copy_keeps_the_levels_of_items_that_several_users_had(with_term, tmp_path):
    run = TargetRun.read(with_term)
    counts = run.counts.copy()
    counts[:3] = 1, 2, 3
    copied = share(replace(run, counts=counts), tmp_path / "copy").recent
    assert run.recent[:3].all() and copied[:2].tolist() == [0, 0], "the level of one user's item tells when"
    np.testing.assert_array_equal(copied[2:], run.recent[2:])


def test_a_graph_adds_the_level_of_now(with_term):
    recommender = Recommender(TargetRun.read(with_term))
    history = History.of_users(recommender.run.domain, np.arange(3))
    wanted = recommender.scorer.scores(history.domain, history.targets, None)(torch.arange(3)).float()
    items = [history.domain.items[start:stop] for start, stop in itertools.pairwise(history.domain.offsets)]
    padded = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(one.astype(np.int64)) for one in items], batch_first=True
    )
    found = Graph(recommender).eval()(padded, torch.tensor([len(one) for one in items]))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)
