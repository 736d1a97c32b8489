from __future__ import annotations

import itertools
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refusal

from domains.errors import InputError
from vocab.encoder import locate
from vocab.encoder.sentence_encoder import SemanticSettings, SentenceEncoder
from vocab.settings import UnseenSettings, VocabularySettings
from vocab.unseen.mapping_steps import Link
from vocab.unseen.spelling import SpellingIndex, one_edit_apart, without_accents
from vocab.unseen.unseen_map import UnseenMap
from vocab.vocabulary import SememeVocabulary
from vocab.wordnet.lexicon import wordnet

DATA = Path(__file__).parents[3] / "shared" / "data"
SOURCE = ["space", "ship", "color", "pokemon", "run", "vampire", "starship", "puzzle", "dinosaur", "rescue"]


def vocabulary(words: list[str] = SOURCE) -> SememeVocabulary:
    return SememeVocabulary.build({"source": words}, VocabularySettings(min_items=1, max_share=1))


def only(step: str, titles: list[str]) -> dict[str, tuple[Link, ...]]:
    rules = UnseenSettings.model_validate({"steps": [step]})
    return dict(UnseenMap.build(vocabulary(), titles, rules).links)


def test_lemma_as_another_part_of_speech() -> None:
    assert only("lemma", ["Running"]) == {"running": (Link("run", 1.0, "lemma"),)}


@pytest.mark.parametrize(
    ("word", "anchor"),
    [
        ("pokémon", "pokemon"),
        ("colour", "color"),
        ("vampires2", None),
        ("vampire2", "vampire"),
        ("dinosuar", "dinosaur"),
        ("dinosauro", "dinosaur"),
        ("puzle", None),
        ("castle", None),
        ("rescuer", None),
    ],
)
def test_spelling(word: str, anchor: str | None) -> None:
    expected = () if anchor is None else (Link(anchor, 0.9, "spelling"),)
    assert only("spelling", [word]) == {word: expected}


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("colour", "color"),
        ("favourite", "favorite"),
        ("centre", "center"),
        ("theatres", "theaters"),
        ("realise", "realize"),
        ("analyse", "analyze"),
        ("dialogue", "dialog"),
        ("defence", "defense"),
        ("travelling", "traveling"),
        ("grey", "gray"),
    ],
)
def test_british_and_american_are_the_same_word(british: str, american: str) -> None:
    assert SpellingIndex([american], 7).variant(british, is_dictionary_word=True) == american
    assert SpellingIndex([british], 7).variant(american, is_dictionary_word=True) == british


@pytest.mark.parametrize(("word", "anchor"), [("tour", "tor"), ("hall", "hal"), ("tire", "tier"), ("wise", "wize")])
def test_false_friends_stay_apart(word: str, anchor: str) -> None:
    assert SpellingIndex([anchor], 7).variant(word, is_dictionary_word=True) is None


def test_a_real_word_is_no_typing_error() -> None:
    index = SpellingIndex(["villain", "castles"], 7)
    assert index.variant("villein", is_dictionary_word=False) == "villain"
    assert index.variant("villein", is_dictionary_word=True) is None


def test_the_most_frequent_anchor_wins() -> None:
    assert SpellingIndex(["monsters", "monstera"], 7).variant("monster0x", is_dictionary_word=False) is None
    assert SpellingIndex(["monsters", "monstera"], 7).variant("monstert", is_dictionary_word=False) == "monsters"
    assert SpellingIndex(["monstera", "monsters"], 7).variant("monstert", is_dictionary_word=False) == "monstera"


letters = st.text("abc", max_size=6)


def damerau(first: str, second: str) -> int:
    """Optimal string alignment distance, by its recurrence."""
    table = np.zeros((len(first) + 1, len(second) + 1), dtype=int)
    table[:, 0], table[0] = np.arange(len(first) + 1), np.arange(len(second) + 1)
    for i, j in itertools.product(range(1, len(first) + 1), range(1, len(second) + 1)):
        cost = first[i - 1] != second[j - 1]
        table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + cost)
        if i > 1 and j > 1 and first[i - 1] == second[j - 2] and first[i - 2] == second[j - 1]:
            table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


@given(letters, letters)
def test_one_edit(first: str, second: str) -> None:
    assert one_edit_apart(first, second) == (damerau(first, second) == 1)


@given(
    st.lists(st.text("abc", min_size=4, max_size=6), min_size=1, unique=True), st.text("abc", min_size=5, max_size=6)
)
def test_the_index_finds_what_comparing_with_every_anchor_finds(anchors: list[str], word: str) -> None:
    if word in anchors:
        return
    found = SpellingIndex(anchors, 5)._one_edit_away(word)
    expected = [anchor for anchor in anchors if anchor[0] == word[0] and damerau(anchor, word) == 1]
    assert found == (expected[0] if expected else None)


def test_text_without_spaces_takes_no_memory() -> None:
    endless = "".join(chr(0x4E00 + n) for n in range(5_000))
    tracemalloc.start()
    index = SpellingIndex([endless, "monsters"], 7)
    assert index.variant(endless[1:], is_dictionary_word=False) is None
    assert index.variant("monstert", is_dictionary_word=False) == "monsters"
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_accents() -> None:
    assert without_accents("Pokémon naïve žluťoučký") == "Pokemon naive zlutoucky"
    assert without_accents("łódź straße smørrebrød \u0131sparta") == "lodz strasse smorrebrod isparta"
    assert without_accents("οδυσσεύς") == without_accents("οδυσσευσ")
    assert without_accents("الكِتاب") == "الكتاب"


@pytest.mark.parametrize(("word", "anchor"), [("कुल", "कल"), ("ガラス", "カラス"), ("ไหม่", "ไหม")])
def test_marks_that_are_letters_make_other_words(word: str, anchor: str) -> None:
    assert SpellingIndex([anchor], 7).variant(word, is_dictionary_word=False) is None


def test_compounds() -> None:
    assert only("compound", ["Spaceship"]) == {
        "spaceship": (Link("space", 0.7, "compound"), Link("ship", 0.7, "compound"))
    }
    assert SpellingIndex(["space", "ship"], 7).parts("spaceship", 5) is None
    assert SpellingIndex(["car", "pet"], 7).parts("carpet", 4) is None
    assert SpellingIndex(["car", "pet"], 7).parts("carpet", 3) == ("car", "pet")


def test_synonyms_come_before_hypernyms() -> None:
    assert only("wordnet", ["spaceship"]) == {"spaceship": (Link("starship", 0.8, "wordnet"),)}
    anchors = vocabulary(["vehicle", "craft"])
    found = UnseenMap.build(
        anchors, ["spaceship"], UnseenSettings(steps=("lemma", "spelling", "wordnet", "vectors"))
    ).links["spaceship"]
    assert found == (Link("craft", pytest.approx(0.8 * 0.75**2), "wordnet"),)  # type: ignore[arg-type]
    nearer = [names for _, names in wordnet().relatives("spaceship", 1, 1)]
    assert not {"vehicle", "craft"} & frozenset().union(*nearer)


class Compass:
    """An encoder whose vectors are written down."""

    name = "compass"

    def __init__(self, **vectors: tuple[float, float]) -> None:
        self.vectors = vectors

    def encode(self, texts: list[str], track: object = None) -> np.ndarray:
        return np.array([self.vectors.get(text, (0, 0)) for text in texts], dtype=np.float32)


def test_nearest_by_vector_above_the_floor() -> None:
    anchors = vocabulary(["north", "east", "northeast", "south"])
    compass = Compass(north=(0, 1), east=(1, 0), northeast=(0.6, 0.8), south=(0, -1), zenit=(0, 1), nadir=(-1, 0))
    rules = UnseenSettings.model_validate({"steps": ["vectors"], "nearest": 2, "floor": 0.5})
    found = UnseenMap.build(anchors, ["zenit nadir"], rules, compass).links  # type: ignore[arg-type]
    assert [(link.anchor, pytest.approx(link.weight)) for link in found["zenit"]] == [("north", 1), ("northeast", 0.8)]
    assert found["nadir"] == ()


def test_steps_are_tried_in_order_and_the_first_wins() -> None:
    everything = UnseenMap.build(vocabulary(), ["spaceship"]).links["spaceship"]
    assert {link.step for link in everything} == {"compound"}
    without = UnseenMap.build(
        vocabulary(), ["spaceship"], UnseenSettings(steps=("lemma", "spelling", "wordnet", "vectors"))
    ).links["spaceship"]
    assert {link.step for link in without} == {"wordnet"}


def made(links: dict[str, tuple[Link, ...]]) -> UnseenMap:
    return UnseenMap(vocabulary(), links, UnseenSettings())


def test_apply_weighs_and_caps() -> None:
    links = {
        "castle": (Link("space", 0.7, "hand"), Link("ship", 0.25, "hand")),
        "tower": (Link("space", 0.7, "hand"),),
        "moat": (),
    }
    unseen = made(links)
    matrix = unseen.apply(["Castle", "Castles and towers", "Space castle", "Moat nothing", "", "castle castle"])
    space, ship = (unseen.vocabulary.index(word) for word in ("space", "ship"))
    assert matrix.dtype == np.float32 and matrix.shape == (6, len(SOURCE))
    np.testing.assert_allclose(
        matrix[:, [space, ship]].toarray(), [[0.7, 0.25], [1, 0.25], [1, 0.25], [0, 0], [0, 0], [0.7, 0.25]]
    )
    assert matrix.nnz == 8
    assert made({}).apply([]).shape == (0, len(SOURCE))


def test_apply_without_links_is_the_vocabulary(tmp_path: Path) -> None:
    titles = ["Space ship", "Vampires", "x", ""]
    assert (made({}).apply(titles) != vocabulary().encode(titles).matrix).nnz == 0


def test_a_title_of_dropped_words_keeps_them() -> None:
    unseen = made({"up": (Link("space", 0.5, "hand"),), "300": (Link("ship", 0.5, "hand"),)})
    matrix = unseen.apply(["Up", "300", "Up, vampire"])
    held = [
        {unseen.vocabulary.words[i]: float(v) for i, v in zip(row.indices, row.data, strict=True)} for row in matrix
    ]
    assert held == [{"space": 0.5}, {"ship": 0.5}, {"vampire": 1.0}]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_text_can_be_mapped(titles: list[str]) -> None:
    unseen = UnseenMap.build(vocabulary(), titles)
    matrix = unseen.apply(titles)
    assert matrix.shape == (len(titles), len(SOURCE))
    assert unseen.report(titles).n_covered == np.count_nonzero(np.diff(matrix.indptr))
    assert not matrix.nnz or 0 < matrix.data.min() <= matrix.data.max() <= 1


def test_titles_it_was_built_for_are_not_lemmatised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    unseen = UnseenMap.build(vocabulary(), ["Castles", "Up"])

    def refuse() -> None:
        raise AssertionError("WordNet was loaded")

    monkeypatch.setattr("vocab.wordnet.lexicon.wordnet", refuse)
    assert unseen.apply(["Castles", "Up", "us"]).shape == (3, len(SOURCE))
    with pytest.raises(AssertionError, match="was loaded"):
        unseen.apply(["Towers"])


def test_report_counts_each_item_at_its_first_step() -> None:
    unseen = made({"castle": (Link("ship", 0.9, "spelling"),), "tower": (Link("ship", 0.6, "wordnet"),), "moat": ()})
    report = unseen.report(["space castle", "castle tower", "tower", "moat", "moat", ""])
    counts = {step.step: (step.words, step.items, step.first) for step in report.steps}
    assert counts["anchor"] == (1, 1, 1)
    assert counts["spelling"] == (1, 2, 1)
    assert counts["wordnet"] == (1, 2, 1)
    assert counts["vectors"] == (0, 0, 0)
    assert (report.n_covered, report.n_items, report.share) == (3, 6, 0.5)
    assert report.unmapped == (("moat", 2),)
    assert report.as_dict()["share"] == 0.5 and "3 of 6 items" in str(report)


def test_explain() -> None:
    unseen = made({"castle": (Link("ship", 0.9, "hand"),), "moat": ()})
    assert unseen.explain("Castles") == "castle: ship 0.90 (hand)"
    assert unseen.explain("moat") == "moat: no similar anchor"
    assert unseen.explain("tower") == "tower: unknown word, no anchor"
    assert unseen.explain("Spaces").startswith("space: is an anchor; in 1 title")
    assert unseen.explain("!") == "!: no word in it"


def test_saved_edited_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "unseen.json"
    unseen = UnseenMap.build(vocabulary(), ["spaceship colour château"])
    unseen.save(path)
    again = UnseenMap.load(path, unseen.vocabulary)
    assert again.links == unseen.links and again.settings == unseen.settings and again.encoder is None
    line = '  "château": []'
    assert line in path.read_text(encoding="utf-8")
    path.write_text(
        path.read_text(encoding="utf-8").replace(line, '  "château": [["ship", 0.5, "hand"]]'), encoding="utf-8"
    )
    edited = UnseenMap.load(path, unseen.vocabulary)
    assert edited.links["château"] == (Link("ship", 0.5, "hand"),)
    assert edited.apply(["Château"]).sum() == 0.5
    assert {**unseen.links, "château": (Link("ship", 0.5, "hand"),)} == edited.links
    assert [file.name for file in tmp_path.iterdir()] == ["unseen.json"]


def test_words_may_be_written_by_hand_as_in_titles(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    made({}).save(path)
    words = {
        "Zebra": [["ship", 0.5, "hand"]],
        "CHA\u0302TEAU": [["ship", 1, "hand"]],
        "château": [["ship", 0.7, "hand"]],
    }
    path.write_text(json.dumps({**json.loads(path.read_text()), "words": words}))
    edited = UnseenMap.load(path, vocabulary())
    assert edited.apply(["A zebra", "Château"]).sum(axis=1).A1.tolist() == pytest.approx([0.5, 0.7])


def test_an_empty_map_can_be_saved(tmp_path: Path) -> None:
    made({}).save(tmp_path / "m.json")
    assert UnseenMap.load(tmp_path / "m.json", vocabulary()).links == {}


@pytest.mark.parametrize(
    ("change", "code", "about"),
    [
        ({"version": 9}, "version", "9"),
        ({"format": "x"}, "file-kind", ""),
        ({"words": {"castle": [["dragon", 0.5, "hand"]]}}, "unseen-map", "'dragon'"),
        ({"words": {"castle": [["ship", 1.5, "hand"]]}}, "unseen-map", "1.5"),
        ({"words": {"castle": [["ship", 0, "hand"]]}}, "unseen-map", "0.0"),
        ({"words": {"castle": [["ship", 0.5, "guess"]]}}, "unseen-map", "'guess'"),
        ({"words": {"castle": "ship"}}, "damaged", "words.castle"),
        ({"other": 1}, "damaged", "other"),
    ],
)
def test_edits_that_cannot_be_are_named(tmp_path: Path, change: dict[str, object], code: str, about: str) -> None:
    path = tmp_path / "m.json"
    made({}).save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with refusal(code, "m.json", about=about):
        UnseenMap.load(path, vocabulary())


def test_a_word_that_was_written_twice_by_hand_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    made({}).save(path)
    twice = '"words": {"castle": [["ship", 0.5, "hand"]], "castle": [["ship", 1, "hand"]]}}'
    path.write_text(path.read_text().partition('"words"')[0] + twice)
    with refusal("damaged", "m.json", about="'castle'"):
        UnseenMap.load(path, vocabulary())


def test_files_that_are_no_map(tmp_path: Path) -> None:
    with refusal("no-file", "m.json"):
        UnseenMap.load(tmp_path / "m.json", vocabulary())
    (tmp_path / "m.json").write_text("{,}")
    with refusal("damaged", "m.json"):
        UnseenMap.load(tmp_path / "m.json", vocabulary())


def titles_of(domain: str) -> list[str]:
    return pq.read_table(DATA / domain / "items.parquet", columns=["title"])["title"].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the development data in ../shared/data")
def test_steps_without_an_encoder_leave_few_games_and_toys_without_anchor() -> None:
    anchors = SememeVocabulary.build({"games": titles_of("amazon_games")}, VocabularySettings())
    toys = titles_of("amazon_toys")
    unseen = UnseenMap.build(anchors, toys)
    report = unseen.report(toys)
    assert report.share > 0.97 > 0.96 > anchors.encode(toys).coverage.share
    assert report.n_covered == np.count_nonzero(np.diff(unseen.apply(toys).indptr))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the development data in ../shared/data")
def test_an_encoder_covers_books_by_films(tmp_path: Path) -> None:
    try:
        locate.locate(SemanticSettings())
    except InputError:
        pytest.skip("needs the extra [semantic]")
    anchors = SememeVocabulary.build({"films": titles_of("movietweetings")}, VocabularySettings(max_anchors=400))
    books = titles_of("goodbooks")[:100]
    encoder = SentenceEncoder.find(SemanticSettings(), cache=tmp_path)
    assert UnseenMap.build(anchors, books, encoder=encoder).report(books).share >= 0.98
