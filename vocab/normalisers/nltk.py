"""The normalisers of NLTK: WordNet lemmas for English, Snowball stems for other languages. They download nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module

import pyarrow as pa

from vocab.normalisers.language import SPACY_CODES
from vocab.settings import NormaliserSettings
from vocab.text import cleaned, split_words

_ARTICLES_AND_DETERMINERS = """
a an the this that these those each every either neither some any all both half no none few fewer less least
more most much many several such same other another what which whose whatever whichever
"""
_PRONOUNS = """
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
hers herself it its itself they them their theirs themselves who whom whoever someone somebody something
anyone anybody anything everyone everybody everything nobody nothing one ones
"""
_PREPOSITIONS = """
about above across after against along among amongst around as at before behind below beneath beside besides
between beyond by despite down during except for from in inside into like near of off on onto out outside over
past per since than through throughout till to toward towards under underneath until unto up upon versus via
vs with within without
"""
_CONJUNCTIONS = """
and but or nor so yet if because although though unless while whereas whether when whenever where wherever why
how however then else thus therefore hence
"""
_AUXILIARIES = """
am is are was were be been being do does did doing done have has had having can could may might must shall
should will would ought let get gets got
"""
_ADVERBS = """
again also already always just ever even else here there now only once quite rather really still too very not
never almost maybe perhaps
"""
# Parts of contractions, because an apostrophe separates words: don't, we'll, you're, isn't.
_CONTRACTIONS = """
don doesn didn isn aren wasn weren hasn haven hadn couldn wouldn shouldn mustn needn won ain ll ve re cannot
"""
MARKUP = frozenset(["amp", "quot", "nbsp", "http", "https", "www", "com", "html", "etc"])
"""Leftovers of web pages in titles of any language."""

ENGLISH: frozenset[str] = (
    frozenset(
        " ".join(
            (
                _ARTICLES_AND_DETERMINERS,
                _PRONOUNS,
                _PREPOSITIONS,
                _CONJUNCTIONS,
                _AUXILIARIES,
                _ADVERBS,
                _CONTRACTIONS,
            )
        ).split()
    )
    | MARKUP
)
"""Lower-case English function words, contraction stumps and markup."""


class NltkNormaliser:
    """Splits like NLTK's `RegexpTokenizer` into runs of letters and digits; lemmas come from WordNet.

    The pattern runs in Arrow. NLTK, whose import takes seconds, is loaded for new words only.
    """

    name = "nltk"
    stop_words = ENGLISH

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
