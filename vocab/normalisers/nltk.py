"""The default normaliser: words by a Unicode pattern, lemmas by NLTK's WordNet, both without a download."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from vocab.normalisers import stop_words
from vocab.settings import NormaliserSettings
from vocab.text import cleaned, split_words


class NltkNormaliser:
    """Words are runs of letters and digits, as NLTK's `RegexpTokenizer` finds them; lemmas are WordNet's.

    The pattern runs in Arrow, so that titles of known words never import NLTK, which takes seconds.
    """

    name = "nltk"
    stop_words = stop_words.ENGLISH

    def __init__(self, settings: NormaliserSettings) -> None:
        self._parts_of_speech = settings.parts_of_speech

    def tokens(self, titles: pa.Array) -> pa.Array:
        """(I,) large_list<large_string>, the lower-case words of each title."""
        return split_words(cleaned(titles))

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Find the WordNet lemma of each word, or keep the word. Loads WordNet if there is any word."""
        if not surfaces:
            return []
        from vocab.wordnet.lexicon import wordnet

        lexicon = wordnet()
        return [lexicon.lemma(surface, self._parts_of_speech) for surface in surfaces]
