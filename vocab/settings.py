"""Settings of the vocabulary: how titles become words, which words become anchors, and what replaces the others."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PartOfSpeech = Literal["n", "v", "a", "r"]
Language = Literal[
    "auto", "arabic", "danish", "dutch", "english", "finnish", "french", "german", "hungarian", "italian", "norwegian",
    "portuguese", "romanian", "russian", "spanish", "swedish",
]  # fmt: skip
DEFAULT_FIELDS = ("title", "categories", "authors", "brand", "developer")
"""Default item fields for anchors. `authors` and `brand` include similar columns, such as artists and manufacturers
(see `domains.column_names`)."""


class NormaliserSettings(BaseModel):
    """From a title to its sememes (Section 3.2): tokenise, filter, lemmatise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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


class VocabularySettings(BaseModel):
    """Which sememes become anchors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
        """Whether `count` of `size` items exceed `max_share`; up to `min_items` items never do."""
        # Divide rather than multiply by the share: 0.29 * 100 rounds to less than 29.
        return count > self.min_items and count / n_items > self.max_share


class UnseenSettings(BaseModel):
    """Steps that find anchors for other words, in this order. The first match wins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lemma: bool = Field(
        default=True, description="Try the lemma as another part of speech: running (noun) gives run (verb)."
    )
    spelling: bool = Field(
        default=True,
        description="Try anchors of nearly the same spelling: accents, singular or plural, British or "
        "American, a number at the end, one edit.",
    )
    compound: bool = Field(
        default=True, description="Split compounds into two anchors: spaceship gives space and ship."
    )
    wordnet: bool = Field(default=True, description="Try synonyms in WordNet, then the nearest hypernyms.")
    vectors: bool = Field(
        default=True, description="Try the nearest anchors by sentence vector; needs a sentence encoder."
    )
    edit_length: int = Field(
        default=7,
        ge=3,
        description="Minimum length of a word that may differ from an anchor by one edit. In short words "
        "one letter changes the meaning (martha, marsha).",
    )
    part_length: int = Field(
        default=4,
        ge=2,
        description="Minimum length of each part of a compound. At 3, carpet would be car and pet.",
    )
    senses: int = Field(default=1, ge=1, description="Number of WordNet senses to use, most frequent first.")
    hypernym_depth: int = Field(default=2, ge=0, description="Maximum steps up to a hypernym; 0 uses synonyms only.")
    nearest: int = Field(default=3, ge=1, description="Maximum number of anchors that a word gets by vector.")
    floor: float = Field(default=0.35, gt=0, le=1, description="Minimum cosine of an anchor found by vector.")
