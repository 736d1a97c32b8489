"""WordNet 3.0 from the package's own copy, read by NLTK: lemmas, synonyms, hypernyms; no download."""

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

from domains.cache_root import cache_root
from domains.durable import replacing
from domains.errors import InputError

_DATA = Path(__file__).parent
_ARCHIVE = Path("corpora") / "wordnet.zip"
# Stripping an ending must leave a word: "gas" is no plural of gallium, "us" none of the letter u.
_SHORTEST_FORM = 3
_SHALLOWEST_NOUN = 5
_EXCEPTIONS = {"n": "noun.exc", "v": "verb.exc", "a": "adj.exc", "r": "adv.exc"}


class Lexicon:
    """What the project asks of WordNet."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._names = {part: frozenset(reader.all_lemma_names(part)) for part in _EXCEPTIONS}
        self._irregular = {part: _irregular_forms(reader, file) for part, file in _EXCEPTIONS.items()}

    def lemma(self, word: str, parts_of_speech: Sequence[str]) -> str:
        """Return the shortest form that the first part of speech knows, as NLTK's `WordNetLemmatizer` does.

        Unlike there, WordNet's irregular forms come first ("men" is "man", though it is an entry too), and the
        double s of "boss" is no plural. A word that no part of speech knows stays as it is.
        """
        for part in parts_of_speech:
            forms = self._forms(word, part)
            if forms:
                irregular = self._irregular[part].get(word, ())
                return min(forms, key=lambda form: (form not in irregular, len(form)))
        return word

    def forms(self, word: str) -> tuple[str, ...]:
        """Lemmas of a word as the parts of speech in which it is an inflected form only, nouns first."""
        inflected = (forms for forms in (self._forms(word, part) for part in "nvar") if word not in forms)
        return tuple(dict.fromkeys(form for forms in inflected for form in forms))

    def knows(self, word: str) -> bool:
        """Whether any part of speech holds the word."""
        return any(self._forms(word, part) for part in "nvar")

    def relatives(self, word: str, senses: int, depth: int) -> Iterator[tuple[int, frozenset[str]]]:
        """Words of like meaning, nearest first.

        Yields:
            (0, synonyms and words of the same root), then (d, hypernyms d steps up) for d in 1..depth. Hypernyms
            near the root (person, unit, structure) are left out: nearly everything is one.
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
            # An adjective has no hypernym but a head that it is similar to; further on are only its siblings.
            heads = [head for synset in synsets for head in synset.similar_tos()] if distance == 1 else []
            yield distance, frozenset(name.lower() for synset in above + heads for name in synset.lemma_names())
            synsets = above

    def _forms(self, word: str, part: str) -> list[str]:
        """Every entry of WordNet that `word` may be a form of, itself first: WordNet's own rules (morphy(7WN))."""
        irregular = self._irregular[part].get(word)
        endings = self._reader.MORPHOLOGICAL_SUBSTITUTIONS[part]
        regular = (word.removesuffix(old) + new for old, new in endings if word.endswith(old))
        found = dict.fromkeys((word, *(regular if irregular is None else irregular)))
        return [form for form in found if form in self._names[part] and _may_stand_for(form, word)]


def _irregular_forms(reader: Any, file: str) -> dict[str, list[str]]:
    """Inflected form -> its lemmas, from one of WordNet's lists of exceptions."""
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
    """The folder itself, or a private copy where NLTK would not read it: it trusts no file that others could change.

    A umask of 0002, which many systems set, lets the group write whatever is installed.
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
    """Whether nobody but its owner, who is this user or root, may write there."""
    if os.name != "posix":
        return True
    found = path.stat()
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@lru_cache(maxsize=1)
def wordnet() -> Lexicon:
    """Load the bundled WordNet once a process (about three seconds, most of them NLTK's import).

    Raises:
        InputError: the package's data is missing or damaged.
    """
    import nltk.data
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    class BundledReader(WordNetCorpusReader):  # type: ignore[misc]
        """WordNet 3.0 itself needs no map from 3.0, nor the 7 MB file that makes it."""

        def map_wn(self, version: str = "wordnet") -> None:
            """No map."""

    archive = _DATA / _ARCHIVE
    try:
        data = _trusted(_DATA)
        # NLTK opens only what lies under a folder of its path; appended, ours comes after the user's own.
        if str(data) not in nltk.data.path:
            nltk.data.path.append(str(data))
        archive = data / _ARCHIVE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the absence of the multilingual WordNet is intended
            return Lexicon(BundledReader(nltk.data.ZipFilePathPointer(str(archive), "wordnet/"), None))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(
            f"the bundled WordNet cannot be read ({error})", location=archive, hint="Install the package again"
        ) from error
