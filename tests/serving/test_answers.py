"""What an answer says: shares, reasons and parts of scores, with a model, with late terms and with a baseline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from serving_cases import made_run

from transfer.api import load_run
from transfer.serving.explain import explain
from transfer.serving.history import History
from transfer.serving.opened import open_run
from transfer.serving.recommend import Filters, Recommender
from transfer.terms.joined import JoinedItems
from transfer.terms.recent_items import RecentItems
from transfer.terms.weights import LEAVE_OUT, TermWeights

ALL_TERMS = TermWeights(titles=1.0, anchors=2.0, popularity=0.5, transitions=1.5, repeats=LEAVE_OUT, recency=0.6)
SEEN_TOO = Filters(allow_seen=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    names = ("sasrec+matching", "popular", "ease", "item-knn+transitions")
    return made_run(tmp_path_factory.mktemp("answers"), *names)


@pytest.fixture(scope="module")
def recommender(folder):
    run = open_run(folder, "sasrec+matching")
    return Recommender(replace(run, weights={**run.weights, **ALL_TERMS.tensors()}))


def baseline(folder, label):
    """A recommender of a baseline, which the product is only where validation says so."""
    return Recommender(open_run(folder, label))


def history_of(recommender, place=3):
    return History.of_user(recommender.run.domain, recommender.run.domain.user_ids[place].as_py())


def test_a_share_counts_from_the_average_of_the_items_that_may_be_recommended(recommender):
    history = history_of(recommender)
    run, first = recommender.run, torch.zeros(1, dtype=torch.int64)
    scorer = replace(recommender.scorer, weights=replace(ALL_TERMS, repeats=0.0))
    scores = scorer.scores(history.domain, history.targets, None)(first)[0].numpy()
    unseen = np.setdiff1d(np.arange(run.domain.n_items), history.domain.items)
    best, average = scores[unseen].max(), scores[unseen].mean()
    found = recommender.recommend(history, 6)
    expected = [max(0.0, (item.score - average) / (best - average)) for item in found]
    assert 0 < expected[3] < 0.95, "shares differ"
    np.testing.assert_allclose([item.share for item in found], expected, atol=1e-4)


def test_a_filter_does_not_change_what_is_average(recommender):
    history, ids = history_of(recommender), recommender.run.domain.item_ids.to_pylist()
    whole = {item.item_id: item for item in recommender.recommend(history, 20)}
    first = next(iter(whole))
    some = recommender.recommend(history, 20, Filters.of_ids(recommender.run.domain, only=[first, *ids[:8]]))
    for item in some:
        assert item.share == pytest.approx(whole[item.item_id].share, abs=1e-4)


@pytest.mark.parametrize("filters", [Filters(), SEEN_TOO])
def test_the_parts_add_up_whatever_is_allowed(recommender, filters):
    found = explain(recommender, history_of(recommender), 8, filters).recommended
    for one in found:
        assert sum(one.terms.values()) == pytest.approx(one.recommendation.score, abs=1e-3)
    seen = {recommender.run.domain.item_ids[int(item)].as_py() for item in history_of(recommender).domain.items}
    assert seen.isdisjoint(one.recommendation.item_id for one in found) != filters.allow_seen


def test_the_items_are_prepared_once_for_all_answers(recommender, monkeypatch):
    recommender.recommend(history_of(recommender), 2)
    monkeypatch.setattr(JoinedItems, "of", lambda *given: pytest.fail("prepared again"))
    recommender.recommend(history_of(recommender, 4), 2, SEEN_TOO)


def test_nothing_left_to_recommend_is_an_empty_answer(recommender):
    nothing = Filters.of_ids(recommender.run.domain, only=[])
    assert recommender.recommend(history_of(recommender), 5, nothing) == []
    assert explain(recommender, history_of(recommender), 5, nothing).recommended == ()


def test_a_baseline_that_knows_the_history_names_an_item_of_it(folder):
    ease = baseline(folder, "ease")
    history = history_of(ease)
    past = {ease.titles.label(int(item)) for item in history.domain.items}
    reasons = [item.reason for item in ease.recommend(history, 5)]
    assert all(reason.removeprefix("goes with ") in past for reason in reasons), reasons
    assert {item.reason for item in baseline(folder, "popular").recommend(history, 5)} == {"popular"}


def with_recent(recommender, levels, weight):
    """The reasons of a recommender to whose scores levels (I,) of recent interactions add."""
    scorer, recent = recommender.scorer, RecentItems.at_end(np.asarray(levels, np.float32))
    known, weights = replace(scorer.known, recent=recent), replace(scorer.weights, recent=weight)
    return replace(recommender.reasons, scorer=replace(scorer, known=known, weights=weights))


def test_what_many_had_lately_is_the_reason_where_it_adds_more_than_the_whole_history(recommender):
    history, n_items = history_of(recommender), recommender.run.domain.n_items
    items = np.setdiff1d(np.arange(n_items), history.domain.items)[None]
    before = recommender.reasons
    added = sum(before.contributions(history, items).terms.values())[0].sum(0)
    assert (added > 0).sum() > 2
    levels = np.zeros(n_items)
    levels[items[0]] = np.maximum(added, 0) * np.where(np.arange(len(added)) % 2, 1.01, 0.99)
    kinds = [reason.kind for reason in with_recent(recommender, levels, 1.0).of(history, items)[0]]
    was = [reason.kind for reason in before.of(history, items)[0]]
    now = (added > 0) & (np.arange(len(added)) % 2 == 1)
    assert kinds == ["now" if more else kind for more, kind in zip(now, was, strict=True)]
    new = with_recent(recommender, np.full(n_items, np.nan), 1.0)
    assert [reason.kind for reason in new.of(history, items)[0]] == was, "nobody had a new item"


def test_without_a_history_the_reason_is_what_many_have_had_lately(recommender):
    nobody = History.of_items(recommender.run.domain, np.empty(0, np.int64))
    levels = np.arange(recommender.run.domain.n_items)
    (reasons,) = with_recent(recommender, levels, 0.1).of(nobody, np.array([[0, 3]]))
    assert [reason.text(str) for reason in reasons] == ["popular", "popular now"]


@pytest.mark.parametrize("label", ["ease", "popular", "item-knn+transitions"])
def test_the_score_of_a_baseline_is_one_of_the_parts(folder, label):
    recommender = baseline(folder, label)
    for one in explain(recommender, history_of(recommender), 5).recommended:
        assert sum(one.terms.values()) == pytest.approx(one.recommendation.score, rel=1e-4)
        assert one.terms["model"] > 0


def test_a_batch_knows_every_part_of_the_run(folder):
    run = load_run(folder).with_variant("ease").target
    systems = {**run.recipe.systems, "ease": {"l2": 7.0}}
    others = [
        replace(run, recipe=run.recipe.model_copy(update={"systems": systems})),
        replace(run, item_anchors=run.item_anchors * 2),
        replace(run, follows=run.follows * 2),
        replace(run, counts=run.counts + 1),
    ]
    assert len({one.digest for one in (run, *others)}) == 1 + len(others)
    assert load_run(folder).with_variant("ease").target.digest == run.digest
