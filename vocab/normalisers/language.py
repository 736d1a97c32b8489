"""Supported languages, and a guess of the language from the titles."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vocab.text import Titles, as_strings, cleaned, split_words

logger = logging.getLogger("transfer.vocab")

SPACY_CODES: Mapping[str, str] = MappingProxyType(
    {
        "arabic": "ar",
        "danish": "da",
        "dutch": "nl",
        "english": "en",
        "finnish": "fi",
        "french": "fr",
        "german": "de",
        "hungarian": "hu",
        "italian": "it",
        "norwegian": "nb",
        "portuguese": "pt",
        "romanian": "ro",
        "russian": "ru",
        "spanish": "es",
        "swedish": "sv",
    }
)
"""Languages of NLTK's Snowball stemmers -> spaCy's code."""

# Words that are frequent in titles of one language and rare in others. Words that many languages share (in, de, la,
# con) are in no list, or in the lists of all these languages.
_MARKERS: Mapping[str, str] = MappingProxyType(
    {
        "english": "the of and for with from by to you your my is on at out a an",
        "german": "der die das und für mit von aus im zum zur ohne auf ein eine einer nach bei den dem des ist nicht",
        "french": "le les des du et pour avec dans sur sans une au aux à la de un en ou par pas est",
        "spanish": "el los las y para con sin del una por en de la un al más su como",
        "portuguese": "o os as e para com sem do da dos das em uma um no na por de ao não mais",
        "italian": "il lo gli di e per con senza della del dei delle dello un una da nel nella al alla in la che",
        "dutch": "het een en voor met van zonder uit op de te bij naar niet is zijn in",
        "swedish": "och för med av till utan den det ett en på i från som är att",
        "danish": "og til med af uden den det et en på i fra som er at af eller ikke",
        "norwegian": "og til med av uten den det et en på i fra som er å ikke eller",
        "finnish": "ja on sekä kanssa tai ilman joka ei se mitä kuin",
        "hungarian": "és a az egy nem hogy vagy is meg csak",
        "romanian": "și si de cu pentru din la fără un o în pe sau al ale cel",
        "russian": "и в на с для из по не от к о как без или за что",  # noqa: RUF001
        "arabic": "في من على و إلى عن مع أو هذا بدون لا ما",
    }
)
# Letters of each language beyond a to z.
_LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "english": "",
        "german": "äöüß",
        "french": "éèêëàâçùûîïôœ",
        "spanish": "ñáéíóúü",
        "portuguese": "ãõçáéíóúâêôà",
        "italian": "àèéìòù",
        "dutch": "ëéï",
        "swedish": "åäöé",
        "danish": "æøå",
        "norwegian": "æøå",
        "finnish": "äö",
        "hungarian": "őűáéíóöúü",
        "romanian": "ăâîșțşţ",
        "russian": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإآؤئء",
    }
)
_SAMPLE = 20_000
# A letter is weaker evidence than a function word: English titles hold names such as Pokémon.
_LETTER_WEIGHT = 0.5
# A brand such as "Müller & Söhne" stands in many titles but is few words: a word counts in 1.5 % of the titles at most,
# and 5 % are needed.
_MOST_OF_A_WORD = 0.015
_LEAST_SCORE, _LEAST_SHARE = 3, 0.05


def guess_language(titles: Titles) -> str:
    """Guess the language of (I,) titles from their function words and letters; english if unclear.

    Each word scores once for each distinct title that has it, up to `_MOST_OF_A_WORD` of these titles. Another language
    needs a score of at least `_LEAST_SCORE`, of `_LEAST_SHARE` of the titles, and of twice the score of English.
    """
    words, counts, n_titles = _words(titles)
    scores = {language: _score(language, words, counts) for language in SPACY_CODES}
    best = max(scores, key=lambda language: scores[language])
    enough = max(_LEAST_SCORE, _LEAST_SHARE * n_titles, 2 * scores["english"])
    return best if scores[best] >= enough else "english"


def settle_language(asked: str, titles_by_domain: Mapping[str, Titles]) -> str:
    """Return the language in the settings. For ``auto``, guess it from all titles and log it."""
    if asked != "auto":
        return asked
    guesses = {domain: guess_language(titles) for domain, titles in titles_by_domain.items()}
    sizes = {domain: len(titles) for domain, titles in titles_by_domain.items()}
    language = max(SPACY_CODES, key=lambda name: sum(sizes[domain] for domain in guesses if guesses[domain] == name))
    logger.info("Titles are read as %s (vocabulary.language)", language.capitalize())
    for domain in (domain for domain, guess in guesses.items() if guess != language):
        logger.warning(
            "Titles of %s look %s but are read as %s: expect few shared words", domain, guesses[domain], language
        )
    return language


def _words(titles: Titles) -> tuple[Sequence[str], npt.NDArray[np.float64], int]:
    """Return the distinct words of a sample of distinct titles, their limited counts, and the size of the sample."""
    texts = pc.unique(as_strings(titles))
    step = max(len(texts) // _SAMPLE, 1)
    sample = texts.take(pa.array(np.arange(0, len(texts), step)))
    counted = pc.list_flatten(split_words(cleaned(sample))).value_counts()
    counts = np.minimum(counted.field("counts").to_numpy(), max(1.0, _MOST_OF_A_WORD * len(sample)))
    return counted.field("values").to_pylist(), counts, len(sample)


def _score(language: str, words: Sequence[str], counts: npt.NDArray[np.float64]) -> float:
    markers, letters = frozenset(_MARKERS[language].split()), frozenset(_LETTERS[language])

    def worth(word: str) -> float:
        if word in markers:
            return 1.0
        beyond = {sign for sign in word if not sign.isascii() and sign.isalpha()}
        # Letters of languages that are not supported, such as Polish, speak against each that is.
        return 0.0 if not beyond else _LETTER_WEIGHT if beyond <= letters else -_LETTER_WEIGHT

    return float(np.dot([worth(word) for word in words], counts)) if words else 0.0
