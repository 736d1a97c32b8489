"""Query the bundled WordNet 3.0 through NLTK: lemmas, synonyms, hypernyms. Downloads nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from domains.disk import cache_root, replacing
from domains.errors import RunError

_DATA = Path(__file__).parent
_ARCHIVE = Path("corpora") / "wordnet.zip"
# Minimum length after stripping an ending: "gas" is not a plural of "ga", "us" not of "u".
_SHORTEST_FORM = 3
_SHALLOWEST_NOUN = 5
_EXCEPTIONS = {"n": "noun.exc", "v": "verb.exc", "a": "adj.exc", "r": "adv.exc"}


class Lexicon:
    """Queries to WordNet."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._names = {part: frozenset(reader.all_lemma_names(part)) for part in _EXCEPTIONS}
        self._irregular = {part: _irregular_forms(reader, file) for part, file in _EXCEPTIONS.items()}

    def lemma(self, word: str, parts_of_speech: Sequence[str]) -> str:
        """Return the shortest lemma in the first part of speech with one, as NLTK's `WordNetLemmatizer` does.

        Two differences: WordNet's irregular forms come first ("men" gives "man", although "men" is an entry), and
        "boss" is not read as a plural. Unknown words are returned unchanged.
        """
        for part in parts_of_speech:
            forms = self._forms(word, part)
            if forms:
                irregular = self._irregular[part].get(word, ())
                return min(forms, key=lambda form: (form not in irregular, len(form)))
        return word

    def forms(self, word: str) -> tuple[str, ...]:
        """Lemmas of a word in those parts of speech where the word itself is not a lemma, nouns first."""
        inflected = (forms for forms in (self._forms(word, part) for part in "nvar") if word not in forms)
        return tuple(dict.fromkeys(form for forms in inflected for form in forms))

    def knows(self, word: str) -> bool:
        """Whether WordNet holds the word in any part of speech."""
        return any(self._forms(word, part) for part in "nvar")

    def relatives(self, word: str, senses: int, depth: int) -> Iterator[tuple[int, frozenset[str]]]:
        """Yield words of similar meaning, nearest first.

        Yields:
            (0, synonyms and words of the same root), then (d, hypernyms d steps up) for d in 1..depth. Hypernyms
            near the root (person, unit, structure) are left out because they fit nearly everything.
        """
        synsets = self._reader.synsets(word)[:senses]
        same = [lemma for synset in synsets for lemma in synset.lemmas()]
        kin = [
            relative
            for lemma in same
            if lemma.name().lower() == word
            for relative in (*lemma.derivationally_related_forms(), *lemma.pertainyms())
        ]
        yield 0, frozenset(lemma.name().lower() for lemma in (*same, *kin)) - {word}
        for distance in range(1, depth + 1):
            above = [hypernym for synset in synsets for hypernym in synset.hypernyms() if _says_something(hypernym)]
            # Adjectives have no hypernyms, only a similar head. One step further are only siblings.
            heads = [head for synset in synsets for head in synset.similar_tos()] if distance == 1 else []
            yield distance, frozenset(name.lower() for synset in above + heads for name in synset.lemma_names())
            synsets = above

    def _forms(self, word: str, part: str) -> list[str]:
        """All entries that `word` may be a form of, itself first, by WordNet's rules (morphy(7WN))."""
        irregular = self._irregular[part].get(word)
        endings = self._reader.MORPHOLOGICAL_SUBSTITUTIONS[part]
        regular = (word.removesuffix(old) + new for old, new in endings if word.endswith(old))
        found = dict.fromkeys((word, *(regular if irregular is None else irregular)))
        return [form for form in found if form in self._names[part] and _may_stand_for(form, word)]


def _irregular_forms(reader: Any, file: str) -> dict[str, list[str]]:
    """Read inflected form -> lemmas from one of WordNet's exception lists."""
    with reader.open(file) as lines:
        entries = (line.split() for line in lines)
        return {form: lemmas for form, *lemmas in entries}


def _says_something(hypernym: Any) -> bool:
    return bool(hypernym.pos() != "n" or hypernym.min_depth() >= _SHALLOWEST_NOUN)


def _may_stand_for(form: str, word: str) -> bool:
    if form == word:
        return True
    return len(form) >= _SHORTEST_FORM and not (word.endswith("ss") and form == word[:-1])


def _trusted(data: Path) -> Path:
    """Return the folder, or a private copy if others can write to it, because NLTK refuses such files.

    A umask of 0002, the default of many systems, makes installed files writable for the group.
    """
    archive = data / _ARCHIVE
    if all(_is_private(path) for path in (data, archive.parent, archive)):
        return data
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    copy = cache_root() / f"wordnet-{digest[:16]}"
    if not (copy / _ARCHIVE).is_file():
        for folder in (copy, (copy / _ARCHIVE).parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(copy / _ARCHIVE) as unfinished:
            shutil.copyfile(archive, unfinished)
            unfinished.chmod(0o600)
    return copy


def _is_private(path: Path) -> bool:
    """Whether only this user or root may write to the path."""
    if os.name != "posix":
        return True
    found = path.stat()
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@lru_cache(maxsize=1)
def wordnet() -> Lexicon:
    """Open the bundled WordNet, once per process (about three seconds, mostly for importing NLTK)."""
    return open_wordnet(_DATA)


def open_wordnet(folder: Path) -> Lexicon:
    """Open WordNet.

    Args:
        folder: the folder with `corpora/wordnet.zip`.

    Raises:
        InputError: the package's data is missing or damaged.
    """
    import nltk.data
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    class BundledReader(WordNetCorpusReader):  # type: ignore[misc]
        """WordNet 3.0 needs no mapping from 3.0, nor the 7 MB file for it."""

        def map_wn(self, version: str = "wordnet") -> None:
            """Do nothing."""

    archive = folder / _ARCHIVE
    try:
        data = _trusted(folder)
        # NLTK only opens files under its path. Appended, our folder comes after the user's.
        if str(data) not in nltk.data.path:
            nltk.data.path.append(str(data))
        archive = data / _ARCHIVE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the absence of the multilingual WordNet is intended
            return Lexicon(BundledReader(nltk.data.ZipFilePathPointer(str(archive), "wordnet/"), None))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(
            f"the bundled WordNet cannot be read ({error})",
            location=archive,
            hint="Install the package again",
            code="wordnet",
        ) from error
