"""WordNet 3.0 from the package's own copy, read by NLTK: lemmas, synonyms, hypernyms; no download."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from domains.errors import InputError

_DATA = Path(__file__).parent / "wordnet"
# Stripping an ending must leave a word: "gas" is no plural of gallium, "us" none of the letter u.
_SHORTEST_FORM = 3


class Lexicon:
    """What the project asks of WordNet."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def lemma(self, word: str, parts_of_speech: Sequence[str]) -> str:
        """Return the shortest form that the first part of speech knows, as NLTK's `WordNetLemmatizer` does.

        Unlike there, an equally short form beats the word itself ("men" is "man"), and the double s of "boss"
        is no plural. A word that no part of speech knows stays as it is.
        """
        for part in parts_of_speech:
            forms = [form for form in self._reader._morphy(word, part) if _may_stand_for(form, word)]
            if forms:
                return str(min(forms, key=lambda form: (len(form), form == word)))
        return word


def _may_stand_for(form: str, word: str) -> bool:
    if form == word:
        return True
    return len(form) >= _SHORTEST_FORM and not (word.endswith("ss") and form == word[:-1])


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

    # NLTK opens only what lies under a folder of its path; appending leaves the user's own data first in
    # line.
    if str(_DATA) not in nltk.data.path:
        nltk.data.path.append(str(_DATA))
    archive = _DATA / "corpora" / "wordnet.zip"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the absence of the multilingual WordNet is intended
            return Lexicon(BundledReader(nltk.data.ZipFilePathPointer(str(archive), "wordnet/"), None))
    except (OSError, ValueError) as error:
        raise InputError(
            f"the bundled WordNet cannot be read ({error})", place=archive, mend="Install the package again"
        ) from error
