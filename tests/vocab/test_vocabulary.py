from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refusal

from domains.errors import InputError
from vocab.census import with_phrases
from vocab.sememes import ItemSememes
from vocab.settings import NormaliserSettings, VocabularySettings
from vocab.vocabulary import SememeVocabulary

GAMES = ["Toy Soldiers", "Space Puzzle", "Space Soldier Deluxe", "Racing Toys"]
TOYS = ["Puzzle of Space", "Wooden Puzzle", ""]


def build(min_items: int = 1, max_share: float = 1.0, **more: Any) -> SememeVocabulary:
    return SememeVocabulary.build(
        {"games": GAMES, "toys": TOYS}, VocabularySettings(min_items=min_items, max_share=max_share, **more)
    )


def test_anchors_are_ordered_by_items_then_by_letter() -> None:
    vocabulary = build()
    assert vocabulary.words == ("puzzle", "space", "soldier", "toy", "deluxe", "racing", "wooden")
    assert vocabulary.item_counts.tolist() == [3, 3, 2, 2, 1, 1, 1]
    assert (vocabulary.n_items, vocabulary.domains, len(vocabulary)) == (7, ("games", "toys"), 7)


def test_document_frequency_bounds() -> None:
    assert build(min_items=2).words == ("puzzle", "space", "soldier", "toy")
    # puzzle is in 2 of the 3 toys and in 1 of the 4 games: too common in one domain is too common.
    assert "puzzle" not in build(max_share=0.5).words
    assert "puzzle" in build(max_share=0.7).words
    assert build(max_anchors=2).words == ("puzzle", "space")


@pytest.mark.parametrize(("count", "n_items", "share"), [(29, 100, 0.29), (57, 100, 0.57), (3, 30, 0.1)])
def test_the_largest_share_itself_is_not_too_much(count: int, n_items: int, share: float) -> None:
    rules = VocabularySettings(max_share=share)
    titles = ["car"] * count + [f"toy{row}" for row in range(count, n_items)]
    assert SememeVocabulary.build({"d": titles}, rules).words == ("car",)
    with refusal("no-anchors", "vocabulary"):
        SememeVocabulary.build({"d": ["car", *titles[:-1]]}, rules)


def test_a_word_twice_in_a_title_is_one_item() -> None:
    vocabulary = SememeVocabulary.build({"d": ["toy toys toy", "car"]}, VocabularySettings(min_items=1))
    assert vocabulary.item_counts.tolist() == [1, 1]
    assert vocabulary.encode(["toys toy"]).matrix.toarray().tolist() == [[0, 1]]


def test_encoding_marks_each_anchor_of_a_title_once() -> None:
    vocabulary = build(min_items=2)
    encoded = vocabulary.encode(pa.array(["Spaces, soldiers and TOYS", None, "Castle castle puzzle", "Castle"]))
    assert encoded.matrix.dtype == np.float32
    assert encoded.matrix.toarray().tolist() == [[0, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert encoded.coverage.n_covered == 2
    assert encoded.coverage.unmapped == (("castle", 2),)
    assert encoded.surfaces == {"spaces": "space", "castle": "castle"}


def test_nothing_to_encode() -> None:
    assert build().encode([]).matrix.shape == (0, 7)
    assert build().encode(["", "!"]).matrix.nnz == 0


def test_idf_is_smoothed() -> None:
    vocabulary = build()
    assert vocabulary.idf.dtype == np.float32
    assert vocabulary.idf[0] == pytest.approx(np.log(8 / 4) + 1)
    assert (np.diff(vocabulary.idf) >= 0).all()


def test_index() -> None:
    vocabulary = build()
    assert [vocabulary.index(word) for word in vocabulary.words] == list(range(7))
    assert vocabulary.index("castle") is None


def test_the_fingerprint_knows_words_and_settings() -> None:
    assert build().fingerprint == build().fingerprint
    assert build().fingerprint != build(min_items=2).fingerprint
    assert build().fingerprint != build(normaliser=NormaliserSettings(min_length=2)).fingerprint
    assert build().remembering({"castles": "castle"}).fingerprint == build().fingerprint


class Silent:
    """Splits at spaces and records what it is asked to lemmatise."""

    name = "silent"
    stop_words: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.asked: list[str] = []

    def tokens(self, titles: pa.Array) -> pa.Array:
        return pa.array([title.lower().split() for title in titles.to_pylist()], pa.large_list(pa.large_string()))

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        self.asked.extend(surfaces)
        return list(surfaces)


def test_only_words_never_met_are_lemmatised() -> None:
    vocabulary, normaliser = build(), Silent()
    vocabulary.encode(["Space toys castles castles"], normaliser)
    assert normaliser.asked == ["castles"]
    remembering = vocabulary.remembering({"castles": "castle"})
    remembering.encode(["Space castles"], normaliser)
    assert normaliser.asked == ["castles"]


def test_extending_keeps_ids_and_adds_counts() -> None:
    old = build(min_items=2)
    new = old.extended({"films": ["Space Castle", "Castle", "Wooden Castle"]})
    assert new.words == (*old.words, "castle")
    assert new.item_counts.tolist() == [3, 4, 2, 2, 3]
    assert (new.n_items, new.domains) == (10, ("games", "toys", "films"))
    assert new.encode(GAMES).matrix[:, :4].toarray().tolist() == old.encode(GAMES).matrix.toarray().tolist()
    with refusal("names", about="'games'"):
        old.extended({"games": ["x"]})


def test_it_cannot_be_changed() -> None:
    vocabulary = build()
    with pytest.raises(ValueError, match="read-only"):
        vocabulary.item_counts[0] = 9
    with pytest.raises(TypeError):
        vocabulary.lemma_of["x"] = "y"  # type: ignore[index]


@pytest.mark.parametrize("titles", [["", "1984", "the"], []])
def test_a_vocabulary_without_a_word(titles: list[str]) -> None:
    with refusal("no-anchors", "vocabulary"):
        SememeVocabulary.build({"d": titles}, VocabularySettings())


def test_a_vocabulary_without_a_domain() -> None:
    with refusal("no-domain", "vocabulary") as caught:
        SememeVocabulary.build({}, VocabularySettings())
    assert "target_titles" in str(caught.value.hint)


def test_categories_as_sememes() -> None:
    vocabulary = SememeVocabulary.build({"d": ["sci_fi drama", "sci_fi"]}, VocabularySettings(min_items=1, max_share=1))
    assert vocabulary.words == ("sci_fi", "drama")


def test_collocations_become_anchors_beside_their_parts() -> None:
    titles = ["Star Wars set", "Star Wars", "Lego Star Wars", "Star Wars car", "War star", "Set of Lego", "Car"]
    vocabulary = SememeVocabulary.build({"d": titles}, VocabularySettings(collocations=1, max_share=1))
    assert "star_war" in vocabulary.words
    assert int(vocabulary.item_counts[vocabulary.words.index("star_war")]) == 4
    encoded = vocabulary.encode(["The Star Wars", "Wars: a star"])
    held = [{vocabulary.words[i] for i in row.indices} for row in encoded.matrix]
    assert held == [{"star", "war", "star_war"}, {"star", "war"}]
    again = vocabulary.extended({"films": ["Star Wars"]})
    assert again.item_counts[vocabulary.words.index("star_war")] == 5


def test_a_category_is_counted_where_titles_hold_its_parts() -> None:
    titles = ["Video game hits", "Video games", "video_games", "video_games board", "toy", "red car"]
    vocabulary = SememeVocabulary.build({"d": titles}, VocabularySettings(max_share=1))
    assert vocabulary.item_counts[vocabulary.words.index("video_game")] == 4
    assert vocabulary.encode(titles).matrix.sum(axis=0).A1.tolist() == vocabulary.item_counts.tolist()


def test_many_phrases_look_at_the_words_of_a_domain_once() -> None:
    class Watched(tuple[str, ...]):
        looks = 0

        def __iter__(self) -> Iterator[str]:
            Watched.looks += 1
            return super().__iter__()

    lemmas = Watched(("a", "b", "c", "d"))
    pairs = [f"{first}_{second}" for first, second in itertools.product("abcd", repeat=2)]
    rows, ids = np.zeros(2, np.int64), np.array([0, 1])
    assert with_phrases(ItemSememes(lemmas=lemmas, rows=rows, ids=ids, n_items=1, lemma_of={}), pairs).ids.tolist() == [
        0,
        1,
        5,
    ]
    assert Watched.looks < len(pairs)


def test_collocations_do_not_cross_titles() -> None:
    settings = VocabularySettings(collocations=5, max_share=1)
    vocabulary = SememeVocabulary.build({"d": ["toy star", "war toy", "toy star", "war toy"]}, settings)
    assert "star_war" not in vocabulary.words and "toy_star" in vocabulary.words


def test_other_scripts_are_words_like_any_other() -> None:
    vocabulary = SememeVocabulary.build({"books": ["Война и мир", "Мир"]}, VocabularySettings(min_items=1, max_share=1))
    assert vocabulary.words == ("мир", "война")
    assert vocabulary.encode(["МИР!"]).matrix.toarray().tolist() == [[1, 0]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_any_text_can_be_encoded(titles: list[str]) -> None:
    matrix = build().encode(titles).matrix
    assert matrix.shape == (len(titles), 7)
    assert set(matrix.data.tolist()) <= {1.0}


words = st.sampled_from(["toy", "space", "puzzle", "castle", "dragon", "robot"])
titles = st.lists(st.lists(words, max_size=5).map(" ".join), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None)
@given(titles, titles, st.integers(1, 3))
def test_against_counting_by_hand(first: list[str], second: list[str], min_items: int) -> None:
    everything = first + second
    counts = Counter(word for title in everything for word in set(title.split()))
    expected = sorted((w for w, n in counts.items() if n >= min_items), key=lambda w: (-counts[w], w))
    rules = VocabularySettings(min_items=min_items, max_share=1)
    if not expected:
        with pytest.raises(InputError):
            SememeVocabulary.build({"a": first, "b": second}, rules)
        return
    vocabulary = SememeVocabulary.build({"a": first, "b": second}, rules)
    assert list(vocabulary.words) == expected
    naive = [[float(word in title.split()) for word in expected] for title in everything]
    assert vocabulary.encode(everything).matrix.toarray().tolist() == naive


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    vocabulary = build(collocations=1)
    vocabulary.save(tmp_path / "v.json")
    again = SememeVocabulary.load(tmp_path / "v.json")
    assert again.words == vocabulary.words and again.fingerprint == vocabulary.fingerprint
    assert dict(again.lemma_of) == dict(vocabulary.lemma_of) and again.settings == vocabulary.settings
    assert again.item_counts.tolist() == vocabulary.item_counts.tolist()
    assert again.item_counts.dtype == np.int64
    assert (again.n_items, again.domains) == (vocabulary.n_items, vocabulary.domains)
    assert [path.name for path in tmp_path.iterdir()] == ["v.json"]
    again.save(tmp_path / "w.json")
    assert (tmp_path / "v.json").read_bytes() == (tmp_path / "w.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "code", "about"),
    [
        ({"version": 3}, "version", "3"),
        ({"format": "other"}, "file-kind", ""),
        ({"anchors": {"puzzle": 3}}, "damaged", "changed"),
        ({"anchors": {"puzzle": "many"}}, "damaged", "anchors.puzzle"),
        ({"n_items": -1}, "damaged", "n_items"),
        ({"n_items": 10**400}, "damaged", "401 digits"),
        ({"anchors": {"puzzle": -1}}, "damaged", "puzzle: -1"),
        ({"anchors": {"puzzle": 10**19}}, "damaged", "puzzle: 10000"),
        ({"lemmas": {"x": 3}}, "damaged", "lemmas.x"),
        ({"settings": {"min_items": 0}}, "damaged", "settings"),
        ({"extra": 1}, "damaged", "extra"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: dict[str, Any], code: str, about: str) -> None:
    path = tmp_path / "v.json"
    build().save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with refusal(code, path, about=about):
        SememeVocabulary.load(path)


def test_files_that_are_no_vocabulary(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    with refusal("no-file", "v.json"):
        SememeVocabulary.load(path)
    for content in (b"{", b"\xff\xfe", b"[1]", b"3", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(InputError):
            SememeVocabulary.load(path)
    build().save(path)
    path.write_text(path.read_text().replace('"space": 3', '"puzzle": 3'))
    with refusal("damaged", "v.json", about="'puzzle'"):
        SememeVocabulary.load(path)


def test_an_editor_may_leave_its_mark_at_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    build().save(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert SememeVocabulary.load(path).words == build().words


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with refusal("not-writable", "v.json"):
        build().save(tmp_path / "missing" / "v.json")
