"""Items that a run has never met enter it by their titles."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
from cli_cases import run_command
from experiment_cases import write_recipe
from refusals import refusal

from domains.data_frames import NewItems, read_new_items
from domains.domain import TEXT_TYPE
from recipes.load import load_recipe
from transfer.api import load_run
from transfer.items.features import in_use
from transfer.items.sentence_vectors import Semantics, Whitening
from transfer.runs.artifact import FILES, LOG, UNSEEN
from transfer.runs.artifact_files import write_manifest
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.serving.brand_words import brand_words
from transfer.serving.new_items import ID_TABLE, run_with, with_new_items
from transfer.serving.reasons import WHOLE
from transfer.serving.recommend import UNLIKE, Filters, History, Recommender
from transfer.terms.weights import TermWeights
from vocab.encoder.settings import SemanticSettings
from vocab.item_texts import fill_template
from vocab.settings import UnseenSettings
from vocab.unseen.mapping_steps import Link
from vocab.unseen.unseen_map import UnseenMap


class Words:
    """Stands for a sentence encoder: a vector for each text, by its length."""

    def titles(self, domain):
        return torch.tensor([[float(len(title)), 1.0] for title in domain.titles.to_pylist()])

    def words(self, words):
        return torch.ones(len(words), 2)


class Reader:
    """Stands for a sentence encoder that remembers what it read."""

    settings, fingerprint = SemanticSettings(), "reader"

    def __init__(self):
        self.texts = []

    def encode(self, texts, track):
        self.texts += texts
        return np.ones((len(texts), 2), np.float32)


pytestmark = pytest.mark.usefixtures("without_an_encoder")


def run_of(folder, variant):
    loaded = load_recipe(write_recipe(folder, variants=[variant]), ["training.epochs=2"])
    source = source_from(make_plan(loaded), folder / "source", Runtime())
    target_from(make_plan(loaded, source), source, folder / "target", Runtime())
    return TargetRun.read(folder / "target")


@pytest.mark.parametrize("variant", ["sasrec+anchors+matching", "sasrec+anchors+no-id", "sasrec"])
def test_old_items_stay_as_they_are_and_new_ones_are_their_titles(tmp_path, variant):
    run = run_of(tmp_path, variant)
    titles = run.domain.titles_of(run.domain.items[:2])
    grown = with_new_items(run, NewItems(["first", "second"], titles))
    count = run.domain.n_items
    before, after = run.model().item_table(), grown.model().item_table()
    assert after.shape[0] == count + 2 == grown.domain.n_items
    torch.testing.assert_close(after[:count], before)
    assert (grown.item_anchors[count:] != run.item_anchors[run.domain.items[:2]]).nnz == 0
    if variant == "sasrec+anchors+no-id":
        torch.testing.assert_close(after[count:], before[run.domain.items[:2].tolist()])
    if variant == "sasrec":
        assert not after[count:].any(), "an ID that nobody has seen says nothing"
    history = (
        History.of_titles(grown.domain, [titles[0]])
        if titles[0] != titles[1]
        else History.of_items(grown.domain, run.domain.items[:1])
    )
    found = Recommender(grown).recommend(history, count + 2)
    assert {"first", "second"} & {item.item_id for item in found}


def test_a_copy_of_a_run_reads_new_titles_as_the_run_does(tmp_path):
    loaded = load_recipe(write_recipe(tmp_path, unseen={"steps": ["lemma", "spelling", "compound", "wordnet"]}))
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    run = TargetRun.read(tmp_path / "target")
    unseen = UnseenMap.load(run.folder / UNSEEN, run.vocabulary)
    edited = replace(unseen, links={**unseen.links, "qwertz": (Link("pirate", 0.5, "hand"),)})
    edited.save(run.folder / UNSEEN)
    run.save_pretrained(tmp_path / "copy")
    copy = TargetRun.from_pretrained(str(tmp_path / "copy"))
    ours, theirs = (run_with(one, NewItems(["new"], ["qwertz"])).item_anchors[-1] for one in (run, copy))
    assert ours.data.tolist() == theirs.data.tolist() == [0.5]
    assert (tmp_path / "copy" / LOG).read_bytes() == (run.folder / LOG).read_bytes()
    copy.save_pretrained(tmp_path / "copy")
    assert UnseenMap.load(tmp_path / "copy" / UNSEEN, copy.vocabulary).links == edited.links


def test_sentence_vectors_of_new_titles_are_whitened_as_the_old_ones_were(tmp_path):
    run = run_of(tmp_path, "sasrec")
    whitening = Whitening(torch.tensor([1.0, 0.0]), torch.eye(2) * 2)
    run = replace(
        run, features=replace(run.features, title_vectors=torch.zeros(run.domain.n_items, 2), whitening=whitening)
    )
    grown = with_new_items(run, NewItems(["new"], ["four"]), semantics=Words())
    torch.testing.assert_close(grown.features.title_vectors[-1:], in_use(torch.tensor([[4.0, 1.0]]), whitening))
    assert grown.features.known.tolist() == [True] * run.domain.n_items + [False]
    assert grown.weights[ID_TABLE].shape[0] == run.domain.n_items + 1
    with refusal("encoder-missing", "new items"):
        with_new_items(run, NewItems(["new"], ["four"]))


def test_a_table_of_new_items_joins_by_command_and_by_call(tmp_path, capsys):
    run_of(tmp_path, "sasrec+anchors+no-id")
    file = tmp_path / "new.csv"
    file.write_text("item_id,title\nn1,pirate robot\nn2,winter music\n")
    old = load_run(tmp_path / "target")
    new, known = old.with_items(str(file)), old.target.domain.n_items
    assert new.target.domain.item_ids.to_pylist()[known:] == ["n1", "n2"]
    called = new.recommend(interests=["pirate"], count=known + 2)
    assert called == old.recommend(interests=["pirate"], count=known), "new items leave the known ones where they are"
    placed = new.recommend_new(interests=["pirate"])
    assert [one.item.item_id for one in placed] == ["n1", "n2"]
    assert 1 <= placed[0].place < placed[1].place <= known + 1
    options = ("--interests", "pirate", "--new-items", file, "-k", known + 2, "--json")
    done = run_command(capsys, "recommend", tmp_path / "target", *options)
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    assert [item["item_id"] for item in printed["items"]] == [item.item_id for item in called]
    assert [(item["item_id"], item["place"]) for item in printed["new_items"]] == [
        (one.item.item_id, one.place) for one in placed
    ]
    gone = run_command(capsys, "recommend", tmp_path / "target", "--interests", "pirate", "--new-items", "gone.csv")
    assert gone.code == 2
    assert "Error gone.csv: no such file" in gone.err
    (tmp_path / "parts").mkdir()
    file.rename(tmp_path / "parts" / "new.csv")
    parts = run_command(capsys, "recommend", tmp_path / "target", *options[:3], tmp_path / "parts", *options[4:])
    assert parts.out == done.out, "a folder of tables is a table"
    with refusal("one-question", "recommend"):
        new.recommend(interests=["pirate"], user="u1")


@pytest.mark.parametrize("title", ["AC/DC: pirate music", "pirate" * 60, "Mr. Pirate"])
def test_titles_of_new_items_may_look_like_paths_or_be_longer_than_one(title, tmp_path, capsys):
    run_of(tmp_path, "sasrec+anchors+no-id")
    asked = ("--interests", "robot", "--new-items", f"{title}; robot", "--json")
    done = run_command(capsys, "recommend", tmp_path / "target", *asked)
    assert done.code == 0, done.err
    assert {item["item_id"] for item in json.loads(done.out)["new_items"]} == {title, "robot"}


def test_what_fits_interests_best_may_be_recommended(tmp_path, capsys):
    run_of(tmp_path, "sasrec+anchors+no-id")
    run = load_run(tmp_path / "target")
    found = [item.title for item in run.recommend(interests=["pirate"], count=run.target.domain.n_items)]
    fits = ["pirate" in title for title in found]
    assert fits == sorted(fits, reverse=True), "items with the word stand before the others"
    assert len(found) == run.target.domain.n_items
    nothing = run_command(capsys, "recommend", tmp_path / "target", "--interests", " , ")
    assert "--interests: no interest was given" in nothing.err


def test_interests_may_be_words_that_stand_for_anchors(tmp_path, capsys):
    loaded = load_recipe(write_recipe(tmp_path, unseen=UnseenSettings().model_dump()))
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    asked = ("recommend", tmp_path / "target", "--json", "--interests")
    refused = run_command(capsys, *asked, "zeppelin")
    assert refused.code == 2
    assert "no item fits 'zeppelin'" in refused.err
    file = tmp_path / "target" / "unseen.json"
    document = json.loads(file.read_text())
    document["words"]["zeppelin"] = [["pirate", 0.5, "hand"]]
    file.write_text(json.dumps(document))
    write_manifest(tmp_path / "target", FILES)
    lists = [json.loads(run_command(capsys, *asked, word).out) for word in ("zeppelin", "pirate")]
    assert [item["item_id"] for item in lists[0]] == [item["item_id"] for item in lists[1]]


def test_new_items_without_a_title_are_named(tmp_path):
    with refusal("title-missing", "items", about="'b'"):
        read_new_items(pl.DataFrame({"item_id": ["a", "b"], "title": ["x", None]}))
    with refusal("column", "items"):
        read_new_items(pl.DataFrame({"item_id": ["a"]}))
    read = read_new_items(pl.DataFrame({"item_id": [3], "title": [" x "]}))
    assert (read.ids, read.titles, read.fields) == (["3"], ["x"], {})


def test_the_fields_of_new_items_are_cleaned_as_those_of_known_ones():
    table = pl.DataFrame(
        {
            "item_id": ["a", "b"],
            "title": ["<b>x</b> &amp; y", "z"],
            "category": ["Pots|Garden", None],
            "brand": ["Oak", "n/a"],
        }
    )
    read = read_new_items(table)
    assert read.titles == ["x & y", "z"]
    assert {name: values.to_pylist() for name, values in read.fields.items()} == {
        "categories": [["Pots", "Garden"], []],
        "brand": [["Oak"], []],
    }


def test_new_items_are_read_from_the_fields_that_known_items_are_read_from(tmp_path):
    path = write_recipe(tmp_path, variants=["sasrec+anchors+categories"])
    for name in ("tapes", "plays"):
        items = pl.read_csv(tmp_path / f"{name}-items.csv")
        more = {
            "category": [f"Kind {row % 3}" for row in range(20)],
            "brand": [f"Maker {'AB'[row % 2]}" for row in range(20)],
        }
        items.with_columns(pl.Series(key, values) for key, values in more.items()).write_csv(
            tmp_path / f"{name}-items.csv"
        )
    loaded = load_recipe(path)
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    run = TargetRun.read(tmp_path / "target")
    vectors = torch.zeros(run.domain.n_items, 2)
    run = replace(run, sentence_encoder=None, features=replace(run.features, title_vectors=vectors))
    twin = {name: values.take([0]) for name, values in run.domain.fields.items()}
    title = twin.pop("title").to_pylist()
    assert set(twin) == {"categories", "brand"}
    reader = Reader()
    grown = with_new_items(run, NewItems(["twin"], title, twin), semantics=Semantics(reader, Runtime()))
    unmet = {"categories": pa.array([["Of no item"]], twin["categories"].type), "shelves": twin["brand"]}
    bare = with_new_items(run, NewItems(["bare"], title, unmet), semantics=Semantics(reader, Runtime()))
    for matrix in (grown.item_anchors, grown.features.categories):
        assert matrix[0].nnz and (matrix[0] != matrix[-1]).nnz == 0
    maker, kind = twin["brand"][0].as_py()[0], twin["categories"][0].as_py()[0]
    assert reader.texts[0] == fill_template(run.recipe.semantic.template, run.domain.fields, 1000)[0].as_py()
    assert maker in reader.texts[0] and kind in reader.texts[0] and maker not in reader.texts[1]
    assert bare.item_anchors[-1].nnz < grown.item_anchors[-1].nnz
    assert bare.features.categories[-1].nnz == 0, "a category that no known item has says nothing"
    assert bare.domain.texts["brand"][-1].as_py() == [], "a field that the domain lacks is ignored"


def test_a_run_that_does_not_read_titles_takes_no_titles(tmp_path):
    run = run_of(tmp_path, "sasrec")
    vocabulary = run.recipe.vocabulary.model_copy(update={"fields": ("categories",)})
    run = replace(run, recipe=run.recipe.model_copy(update={"vocabulary": vocabulary}))
    with refusal("new-items", "new items", about="categories"):
        with_new_items(run, NewItems(["new"], ["pirate robot"]))


def test_an_item_that_is_new_stands_where_the_same_known_item_would(tmp_path):
    """Whatever late terms count: users' transitions and companions say nothing of a new item."""
    run = run_of(tmp_path, "sasrec+anchors+terms")
    weights = TermWeights(**dict.fromkeys(asdict(TermWeights()), 1.0)).tensors()
    assert weights.keys() <= run.weights.keys()
    run = replace(run, weights={**run.weights, **weights})
    assert run.companions.nnz and run.follows.nnz
    item = int(run.domain.items[0])
    known = run.domain.n_items
    grown = with_new_items(run, NewItems(["twin"], run.domain.titles_of(np.array([item]))))
    asked = Recommender(grown, 1)
    history = History.of_items(grown.domain, run.domain.items[1:4])
    [twin] = asked.recommend_new(history)
    scores = asked._unknown_scores(history)
    assert scores[known] == pytest.approx(scores[item]), "a new item is scored as a known one without ID"
    scores[history.domain.items] = -np.inf
    finite = scores[:known][np.isfinite(scores[:known])]
    above, same = (finite > scores[known]).sum(), (finite == scores[known]).sum()
    assert twin.place == 1 + above + same // 2
    assert (twin.item.reason == UNLIKE) == (twin.place > known / 2)


def test_no_new_item_is_called_popular(tmp_path):
    run = run_of(tmp_path, "terms")
    weights = TermWeights(**(dict.fromkeys(asdict(TermWeights()), 0.0) | {"popularity": 1.0})).tensors()
    grown = with_new_items(replace(run, weights={**run.weights, **weights}), NewItems(["new"], ["pirate robot"]))
    asked = Recommender(grown, 1)
    history = History.of_items(grown.domain, run.domain.items[1:4])
    assert {one.reason for one in asked.recommend(history)} == {"popular"}
    assert [one.item.reason for one in asked.recommend_new(history)] == [UNLIKE]


def test_what_a_person_had_is_recommended_again_with_that_reason(tmp_path):
    run = run_of(tmp_path, "sasrec+anchors+matching")
    item = int(run.domain.items[0])
    found = Recommender(run).recommend(
        History.of_items(run.domain, np.array([item])), run.domain.n_items, Filters(allow_seen=True)
    )
    name = run.domain.item_ids[item].as_py()
    assert {one.item_id for one in found if one.reason == WHOLE["again"]} == {name}


def test_a_reason_never_names_a_brand(tmp_path):
    run = run_of(tmp_path, "sasrec+anchors+matching")
    words = list(run.vocabulary.words)
    with_pirates = np.asarray(run.item_anchors[:, words.index("pirate")].todense()).ravel() > 0
    names = [["Pirate & Sons"] if there else [] for there in with_pirates]
    domain = replace(run.domain, texts={"brand": pa.array(names, TEXT_TYPE)})
    unsaid = brand_words(domain, run.vocabulary, run.item_anchors)
    assert [words[anchor] for anchor in np.flatnonzero(unsaid)] == ["pirate"]
    assert not brand_words(run.domain, run.vocabulary, run.item_anchors).any()
    few = [["Pirate"] if item == np.flatnonzero(with_pirates)[0] else [] for item in range(len(names))]
    domain_of_few = replace(run.domain, texts={"brand": pa.array(few, TEXT_TYPE)})
    assert not brand_words(domain_of_few, run.vocabulary, run.item_anchors).any(), "a word of many others is no brand"
    asked = Recommender(replace(run, domain=domain))
    first, second = np.flatnonzero(with_pirates)[:2]
    assert "pirate" in Recommender(run).reasons.shared(first, second)
    assert "pirate" not in asked.reasons.shared(first, second)


def test_what_is_not_new_is_refused(tmp_path):
    run = run_of(tmp_path, "sasrec")
    with refusal("new-items", "new items", about=run.domain.item_ids[0].as_py()):
        with_new_items(run, NewItems([run.domain.item_ids[0].as_py()], ["title"]))
    with refusal("new-items", "new items", about="'a'"):
        with_new_items(run, NewItems(["a", "a"], ["title", "title"]))
    with refusal("frame", "new items"):
        with_new_items(run, NewItems(["a"], ["one", "two"]))
