"""The default normaliser: words by a Unicode pattern, lemmas by NLTK's WordNet. Downloads nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from vocab.normalisers import stop_words
from vocab.settings import NormaliserSettings
from vocab.text import cleaned, split_words


class NltkNormaliser:
    """Splits like NLTK's `RegexpTokenizer` into runs of letters and digits; lemmas come from WordNet.

    The pattern runs in Arrow. NLTK, whose import takes seconds, is loaded for new words only.
    """

    name = "nltk"
    stop_words = stop_words.ENGLISH

    def __init__(self, settings: NormaliserSettings) -> None:
        self._parts_of_speech = settings.parts_of_speech

    def tokens(self, titles: pa.Array) -> pa.Array:
        """Return the lower-case words of each title, (I,) large_list<large_string>."""
        return split_words(cleaned(titles))

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Return the WordNet lemma of each word, or the word itself. Loads WordNet if there is any word."""
        if not surfaces:
            return []
        from vocab.wordnet.lexicon import wordnet

        lexicon = wordnet()
        return [lexicon.lemma(surface, self._parts_of_speech) for surface in surfaces]
