"""The alternative normaliser: spaCy's tokenizer and stop words; lemmas by WordNet, a spaCy model, or stems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vocab.normalisers.language import SPACY_CODES
from vocab.normalisers.nltk import NltkNormaliser, SnowballNormaliser
from vocab.settings import NormaliserSettings
from vocab.text import cleaned

# Characters that the tokenizer leaves at the edges of a word: the apostrophe of 's, quotation marks, slashes.
_EDGES = r"^[^\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}]+$"


class SpacyNormaliser:
    """Splits contractions and units by spaCy's rules.

    English uses WordNet's lemmas. Other languages use an installed spaCy model
    (``python -m spacy download de_core_news_sm``), else Snowball stems.

    Args:
        settings: settings of the normaliser.
        language: one of `SPACY_CODES`.
    """

    name = "spacy"

    def __init__(self, settings: NormaliserSettings, language: str = "english") -> None:
        self._code = SPACY_CODES[language]
        self._lemmatiser = NltkNormaliser(settings) if language == "english" else SnowballNormaliser(settings, language)

    @cached_property
    def _language(self) -> Any:
        """SpaCy's blank pipeline, which only tokenises."""
        import spacy

        return spacy.blank(self._code)

    @cached_property
    def _model(self) -> Any | None:
        """The smallest installed model of a language other than English, with the components for lemmas only."""
        import spacy

        sizes = {"sm": 0, "md": 1, "lg": 2}
        found = [name for name in spacy.util.get_installed_models() if name.startswith(f"{self._code}_core_")]
        if self._code == "en" or not found:
            return None
        smallest = min(found, key=lambda name: (sizes.get(name[-2:], 3), name))
        return spacy.load(smallest, exclude=["parser", "ner"])

    @property
    def stems(self) -> bool:
        """Whether `lemmas` are stems."""
        return self._code != "en" and self._model is None

    @cached_property
    def stop_words(self) -> frozenset[str]:
        """SpaCy's stop words of the language."""
        return frozenset(self._language.Defaults.stop_words)

    def tokens(self, titles: pa.Array) -> pa.Array:
        """Return the lower-case tokens of each title without edge punctuation, (I,) large_list<large_string>."""
        tokenizer = self._language.tokenizer
        rows = [[token.text for token in title] for title in tokenizer.pipe(cleaned(titles).to_pylist())]
        offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))
        words = pa.array([word for row in rows for word in row], pa.large_string())
        bare = pc.replace_substring_regex(words, _EDGES, "")
        return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), bare)

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Return the lemma or stem of each token, or the token itself."""
        if self._model is not None:
            return [doc[0].lemma_.lower() if len(doc) == 1 else doc.text for doc in self._model.pipe(surfaces)]
        return self._lemmatiser.lemmas(surfaces)
