"""Items by how well they fit words of interests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from cli_cases import run_command
from matplotlib import rc_context
from serving_cases import made_run

from domains.domain import TEXT_TYPE
from transfer.serving.explain import draw, explain
from transfer.serving.interests import KIND, InterestIndex, _mixed
from transfer.serving.opened import open_run
from transfer.serving.recommend import Filters, History, Recommender

pytestmark = pytest.mark.usefixtures("without_an_encoder")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("words"), "sasrec", "sasrec+ipe+s2idm", "sasrec+ipe+s2idm+terms")


@pytest.fixture(scope="module")
def run(folder):
    return open_run(folder, "sasrec+ipe+s2idm+terms")


def test_words_alternate_and_an_item_of_both_stands_first():
    fits = np.array([[1.0, 0.9, 0.8, 0.85, 0.0, 0.0], [0.0, 0.0, 0.0, 0.3, 1.0, 0.2]], np.float32)
    order = np.argsort(-_mixed(fits))
    assert set(order[:2]) == {0, 4}, "the best of each word, although the second word fits few items"
    assert order[2] == 3, "an item of both words comes before the second best of one"


def test_items_of_every_word_are_in_the_list(run):
    found = Recommender(run).recommend_for(["pirate", "winter"], 4)
    for word in ("pirate", "winter"):
        assert any(word in item.title for item in found)
        assert any(item.reason == f"fits {word}" for item in found)
    assert found[0].share == 1


def test_popularity_decides_between_items_that_fit_alike(run):
    fit = InterestIndex(run, None).fit(["pirate"])
    same = [i for i, title in enumerate(run.domain.titles.to_pylist()) if "pirate" in title]
    assert fit.unknown_scores[same].min() > np.delete(fit.unknown_scores, same).max()


def test_words_of_one_anchor_tell_it_once(run):
    for item in Recommender(run).recommend_for(["pirate", "pirates"], 3):
        assert item.anchors == ("pirate",)


def test_a_title_that_holds_the_word_by_chance_falls_behind_those_of_the_kind(run):
    titles = run.domain.titles.to_pylist()
    pirates = [item for item, title in enumerate(titles) if "pirate" in title]
    odd = pirates[0]
    kinds = [["Sea"] if item in pirates[1:] else ["Office"] for item in range(len(titles))]
    index = InterestIndex(replace(run, domain=replace(run.domain, categories=pa.array(kinds, TEXT_TYPE))), None)
    plain = InterestIndex(run, None).fit(["pirate"]).unknown_scores
    fit = index.fit(["pirate"]).unknown_scores
    assert len(pirates) > 2
    lost = (fit[pirates[1:]] - plain[pirates[1:]]).mean() - (fit[odd] - plain[odd])
    assert lost > KIND / 2, "the one of another kind lost against the others"


def test_a_word_that_nothing_fits_well_is_told(run):
    vectors = torch.full((run.domain.n_items, 2), 0.5**0.5)
    near, far = torch.tensor([1.0, 1.0]), torch.tensor([1.0, -0.9])

    class Encoder:
        def words(self, words):
            return torch.nn.functional.normalize(
                torch.stack([near if word == "near" else far for word in words]), dim=1
            )

        def titles(self, domain):
            return vectors

    bare = replace(run, features=replace(run.features, title_vectors=None), domain=replace(run.domain, categories=None))
    index = InterestIndex(bare, Encoder())
    several = index.fit(["near", "far", "pirate"])
    assert several.weak == ("far",), "a word of a title is not weak"
    assert several.words == ("near", "pirate") and "left out" in several.notes[0]
    assert "nearest" in index.fit(["far"]).notes[0]


def test_filters_hold_for_interests(run):
    ids = run.domain.item_ids.to_pylist()
    found = Recommender(run).recommend_for(["pirate"], 9, Filters.of_ids(run.domain, only=ids[:3]))
    assert {item.item_id for item in found} <= set(ids[:3])


def test_the_parts_of_an_explanation_are_the_score(run):
    history = History.of_user(run.domain, run.domain.user_ids[1].as_py())
    found = explain(Recommender(run), history, 6)
    for one in found.recommended:
        assert sum(one.terms.values()) == pytest.approx(one.recommendation.score, abs=1e-3)
    words, weight = run.vocabulary.words, run.interest_factory(history.domain, Recommender(run).device)
    before = weight.original(history.domain.offsets[1:]).toarray()[0]
    for interest in found.interests:
        assert interest.before == pytest.approx(before[words.index(interest.anchor)])


@pytest.mark.parametrize(("title", "shown"), [(r"Pay $\foo$", r"Pay $\foo$"), ("", "item 7")])
def test_a_figure_shows_titles_as_they_are_and_ids_where_there_are_none(run, tmp_path, title, shown):
    found = explain(Recommender(run), History.of_user(run.domain, run.domain.user_ids[1].as_py()), 1)
    best = found.recommended[0]
    item = replace(best.recommendation, item_id="item 7", title=title)
    with rc_context({"svg.fonttype": "none"}):
        draw(replace(found, recommended=(replace(best, recommendation=item),)), tmp_path / "why.svg")
    assert shown in (tmp_path / "why.svg").read_text(encoding="utf-8")


def test_explain_draws_and_prints(folder, run, tmp_path, capsys):
    user = run.domain.user_ids[1].as_py()
    figure = tmp_path / "new" / "why.png"
    done = run_command(capsys, "explain", folder, "--user", user, "--variant", run.variant.label, "--figure", figure)
    assert done.code == 0, done.err
    assert "before" in done.out
    best = explain(Recommender(run), History.of_user(run.domain, user), 1).recommended[0]
    name, value = max(best.terms.items(), key=lambda part: abs(part[1]))
    assert f"{name} {value:.2f}" in done.out, "the largest part stands below its item"
    assert best.recommendation.title in done.out
    assert figure.stat().st_size > 1000
    linked = run_command(capsys, "anchors", "neighbours", folder, "pirate", "--json")
    assert linked.code == 0, linked.err
    assert run_command(capsys, "anchors", "neighbours", folder, "qqq").code == 2
