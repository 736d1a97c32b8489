"""Settings of the vocabulary: how titles become words, which words become anchors, and what replaces the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from domains.settings import Settings

PartOfSpeech = Literal["n", "v", "a", "r"]
Language = Literal[
    "auto",
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
]
DEFAULT_FIELDS = ("title", "categories", "authors", "brand", "developer")
"""Default item fields for anchors. `authors` and `brand` include similar columns, such as artists and manufacturers
(see `domains.column_names`)."""


class NormaliserSettings(Settings):
    """From a title to its sememes (Section 3.2): tokenise, filter, lemmatise."""

    name: str = Field(
        default="nltk",
        description="'nltk', 'spacy', or a name of the entry-point group 'transfer.normalisers'.",
    )
    min_length: int = Field(
        default=3,
        ge=1,
        description="Minimum length of a word, in characters. Two-letter words are mostly sizes, units and "
        "initials. Chinese, Japanese and Korean words may have one character.",
    )
    drop_numbers: bool = Field(
        default=True,
        description="Drop words without a letter, decades (1980s) and ordinals (3rd).",
    )
    drop_sizes: bool = Field(
        default=True, description="Drop sizes and quantities with a unit: 30m, 75kg, 500ml, 10x15cm, 2er, xl."
    )
    stop_words: Literal["builtin", "none"] = Field(
        default="builtin", description="'builtin' drops the normaliser's list of function words; 'none' keeps them."
    )
    extra_stop_words: tuple[str, ...] = Field(
        default=(), description="More words to drop, as written in titles or as lemmas."
    )
    parts_of_speech: tuple[PartOfSpeech, ...] = Field(
        default=("n", "v", "a", "r"),
        min_length=1,
        description="Parts of speech in which WordNet looks for a lemma, in order: n(oun), v(erb), a(djective), "
        "r (adverb); the first match wins. Titles are mostly nouns, and NLTK's default is nouns only.",
    )


class VocabularySettings(Settings):
    """Which sememes become anchors."""

    normaliser: NormaliserSettings = Field(
        default_factory=NormaliserSettings, description="How a title becomes sememes."
    )
    language: Language = Field(
        default="auto",
        description="Language of the titles, for stop words and inflected forms. 'auto' guesses it from the titles. "
        "English uses WordNet's lemmas, other languages use NLTK's Snowball stems.",
    )
    fields: tuple[str, ...] = Field(
        default=DEFAULT_FIELDS,
        min_length=1,
        description="Item fields that anchors are taken from; fields that a domain lacks are ignored. Titles, "
        "descriptions and features are split into words; each value of any other field is one word. The paper "
        "uses titles only. Descriptions are not in the default: they add many anchors that carry little meaning.",
    )
    min_items: int = Field(default=2, ge=1, description="Minimum number of items with an anchor, over all domains.")
    max_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Maximum share of one domain's items with an anchor. More frequent words are boilerplate of "
        "a catalogue. The most frequent real words (platforms in game titles) reach 0.19.",
    )
    max_anchors: int | None = Field(
        default=None, ge=1, description="Keep only the most frequent anchors; unset keeps all."
    )
    collocations: int = Field(
        default=0,
        ge=0,
        description="Number of two-word anchors (written board_game), the strongest by likelihood ratio; 0 for none.",
    )

    def too_common(self, count: int, n_items: int) -> bool:
        """Whether `count` of `n_items` items exceed `max_share`; up to `min_items` items never do."""
        # Divide rather than multiply by the share: 0.29 * 100 rounds to less than 29.
        return count > self.min_items and count / n_items > self.max_share


UnseenStep = Literal["lemma", "spelling", "compound", "wordnet", "vectors"]
UNSEEN_STEPS: tuple[UnseenStep, ...] = get_args(UnseenStep)


class UnseenSettings(Settings):
    """How words that are no anchors are mapped to anchors."""

    fixed: ClassVar[Mapping[str, object]] = {"edit_length": 7, "part_length": 4, "senses": 1, "hypernym_depth": 2}

    steps: tuple[UnseenStep, ...] = Field(
        default=UNSEEN_STEPS,
        description="Steps to try; the first match wins, always in this order. 'lemma': another part of speech, "
        "running (noun) gives run (verb). 'spelling': nearly the same spelling (accents, singular or plural, British "
        "or American, a number at the end, one edit). 'compound': two anchors, spaceship gives space and ship. "
        "'wordnet': synonyms, then the nearest hypernyms. 'vectors': the nearest anchors by sentence vector, if there "
        "is a sentence encoder.",
    )
    nearest: int = Field(default=3, ge=1, description="Maximum number of anchors that a word gets by vector.")
    floor: float = Field(default=0.35, gt=0, le=1, description="Minimum cosine of an anchor found by vector.")

    @model_validator(mode="before")
    @classmethod
    def _from_switches(cls, data: Any) -> Any:
        """Accept the form of earlier releases, one switch for each step."""
        if not isinstance(data, Mapping) or set(UNSEEN_STEPS).isdisjoint(data):
            return data
        steps = [step for step in UNSEEN_STEPS if data.get(step, True)]
        return {"steps": steps, **{key: value for key, value in data.items() if key not in UNSEEN_STEPS}}
