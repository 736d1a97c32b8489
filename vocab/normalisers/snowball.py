"""The normaliser for other languages than English: NLTK's Snowball stemmers, spaCy's stop words. Downloads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module

import pyarrow as pa

from vocab.normalisers.language import SPACY_CODES
from vocab.normalisers.stop_words import MARKUP
from vocab.settings import NormaliserSettings
from vocab.text import cleaned, split_words


class SnowballNormaliser:
    """Splits into runs of letters and digits; words with the same stem (Garten, Gärten) are one sememe.

    Args:
        settings: settings of the normaliser.
        language: one of `SPACY_CODES`.
    """

    name = "nltk"
    stems = True

    def __init__(self, settings: NormaliserSettings, language: str) -> None:
        self._language = language

    @cached_property
    def stop_words(self) -> frozenset[str]:
        """SpaCy's stop words of the language, and leftovers of web pages."""
        words: set[str] = import_module(f"spacy.lang.{SPACY_CODES[self._language]}.stop_words").STOP_WORDS
        return frozenset(words) | MARKUP

    def tokens(self, titles: pa.Array) -> pa.Array:
        """Return the lower-case words of each title, (I,) large_list<large_string>."""
        return split_words(cleaned(titles))

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Return the stem of each word."""
        if not surfaces:
            return []
        from nltk.stem.snowball import SnowballStemmer

        stemmer = SnowballStemmer(self._language)
        return [stemmer.stem(surface) for surface in surfaces]
