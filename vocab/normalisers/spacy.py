"""The alternative normaliser: spaCy's English tokenizer and stop words, lemmas by the bundled WordNet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vocab.normalisers.nltk import NltkNormaliser
from vocab.settings import NormaliserSettings
from vocab.text import cleaned

# What the tokenizer leaves at the edges of a word: the apostrophe of 's, quotation marks, slashes.
_EDGES = r"^[^\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}]+$"


class SpacyNormaliser:
    """Contractions and units split by spaCy's rules; its own lemmatiser would need a download."""

    name = "spacy"

    def __init__(self, settings: NormaliserSettings) -> None:
        self._lemmatiser = NltkNormaliser(settings)

    @cached_property
    def _language(self) -> Any:
        """SpaCy's blank English pipeline: a tokenizer and nothing else."""
        import spacy

        return spacy.blank("en")

    @cached_property
    def stop_words(self) -> frozenset[str]:
        """SpaCy's English stop words."""
        return frozenset(self._language.Defaults.stop_words)

    def tokens(self, titles: pa.Array) -> pa.Array:
        """(I,) large_list<large_string>, the lower-case tokens of each title without edge punctuation."""
        tokenizer = self._language.tokenizer
        rows = [[token.text for token in title] for title in tokenizer.pipe(cleaned(titles).to_pylist())]
        offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))
        words = pa.array([word for row in rows for word in row], pa.large_string())
        bare = pc.replace_substring_regex(words, _EDGES, "")
        return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), bare)

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Find the WordNet lemma of each token, or keep the token."""
        return self._lemmatiser.lemmas(surfaces)
