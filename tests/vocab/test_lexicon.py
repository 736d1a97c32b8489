from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import nltk.data
import pytest
from refusals import refusal

import vocab
from vocab.wordnet import lexicon, make

DATA = Path(vocab.__file__).parent / "wordnet"
DEBIAN = Path("/usr/share/wordnet")
EVERY = ("n", "v", "a", "r")


@pytest.mark.parametrize(
    ("word", "lemma"),
    [
        ("soldiers", "soldier"),
        ("stories", "story"),
        ("wolves", "wolf"),
        ("men", "man"),
        ("women", "woman"),
        ("omen", "omen"),
        ("wings", "wing"),
        ("boss", "boss"),
        ("gas", "gas"),
        ("stolen", "steal"),
        ("biggest", "big"),
        ("skylanders", "skylanders"),
        ("война", "война"),
    ],
)
def test_lemmas(word: str, lemma: str) -> None:
    assert lexicon.wordnet().lemma(word, EVERY) == lemma


def test_the_order_of_parts_of_speech_decides() -> None:
    assert lexicon.wordnet().lemma("running", ("n", "v")) == "running"
    assert lexicon.wordnet().lemma("running", ("v", "n")) == "run"


def test_agrees_with_nltk_where_no_rule_of_ours_applies() -> None:
    from nltk.stem.wordnet import WordNetLemmatizer

    ours = lexicon.wordnet()

    class OnBundledData(WordNetLemmatizer):  # type: ignore[misc]
        def _morphy(self, form: str, pos: str, check_exceptions: bool = True) -> list[str]:
            found: list[str] = ours._reader._morphy(form, pos, check_exceptions)
            return found

    theirs = OnBundledData()
    for word in [
        "dogs",
        "churches",
        "aardwolves",
        "abaci",
        "hardrock",
        "cities",
        "games",
        "puzzles",
        "glasses",
        "tables",
        "kings",
    ]:
        assert ours.lemma(word, ("n",)) == theirs.lemmatize(word)


def test_relatives_go_outwards() -> None:
    steps = dict(lexicon.wordnet().relatives("spaceship", 1, 2))
    assert "starship" in steps[0] and "spaceship" not in steps[0]
    assert "spacecraft" in steps[1]
    assert "craft" in steps[2]


def test_general_hypernyms_say_nothing() -> None:
    names = {name for _, words in lexicon.wordnet().relatives("coward", 1, 3) for name in words}
    assert not names & {"person", "soul", "organism", "entity"}


def test_the_licence_travels_with_the_data() -> None:
    assert "Princeton" in (DATA / "LICENSE.txt").read_text()
    with zipfile.ZipFile(DATA / "corpora" / "wordnet.zip") as archive:
        assert b"Permission to use, copy, modify and distribute" in archive.read("wordnet/LICENSE")
        assert len(archive.read("wordnet/lexnames").splitlines()) == 45


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs the Debian package wordnet-base")
def test_the_archive_can_be_made_again(tmp_path: Path) -> None:
    make.build(DEBIAN, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as made, zipfile.ZipFile(DATA / "corpora" / "wordnet.zip") as shipped:
        assert made.namelist() == shipped.namelist()
        assert [entry.date_time for entry in made.infolist()] == [entry.date_time for entry in shipped.infolist()]
        assert all(
            hashlib.sha256(made.read(name)).digest() == hashlib.sha256(shipped.read(name)).digest()
            for name in made.namelist()
        )


def test_a_damaged_archive_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "wordnet.zip").write_bytes(b"no zip")
    import nltk.data

    monkeypatch.setattr(nltk.data, "path", [*nltk.data.path])
    with refusal("wordnet", "wordnet.zip"):
        lexicon.open_wordnet(tmp_path)


def test_known_words_load_no_wordnet_and_no_models() -> None:
    program = """
import sys
from vocab.vocabulary import SememeVocabulary
from vocab.settings import VocabularySettings
import numpy as np
lemmas = {"toys": "toy", "story": "story"}
v = SememeVocabulary(
    words=("toy", "story"), lemma_of=lemmas, item_counts=np.array([2, 1]), n_items=3, domains=("d",),
    settings=VocabularySettings()
)
assert v.encode(["Toys Story", "The 2 toys"]).matrix.toarray().tolist() == [[1, 1], [1, 0]]
heavy = {"nltk", "spacy", "torch", "transformers", "datasets"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=DATA.parent.parent)


def test_the_users_own_nltk_data_stays_first() -> None:
    import nltk.data

    lexicon.wordnet()
    assert nltk.data.path.index(str(DATA)) == len(nltk.data.path) - 1


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has a group that may write")
def test_wordnet_can_be_read_where_a_group_may_write_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed" / "wordnet"
    shutil.copytree(DATA, installed)
    for path in (installed, installed / "corpora", installed / "corpora" / "wordnet.zip"):
        path.chmod(path.stat().st_mode | stat.S_IWGRP)
    monkeypatch.setenv("TRANSFER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(nltk.data, "path", [*nltk.data.path])
    assert lexicon.open_wordnet(installed).lemma("mice", EVERY) == "mouse"
    (copy,) = (tmp_path / "cache").rglob("wordnet.zip")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.read_bytes() == (DATA / "corpora" / "wordnet.zip").read_bytes()
