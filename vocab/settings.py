"""What a recipe may say about sememes: how titles become words, and which words become anchors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PartOfSpeech = Literal["n", "v", "a", "r"]
Language = Literal[
    "auto", "arabic", "danish", "dutch", "english", "finnish", "french", "german", "hungarian", "italian", "norwegian",
    "portuguese", "romanian", "russian", "spanish", "swedish",
]  # fmt: skip
DEFAULT_FIELDS = ("title", "categories", "authors", "brand", "developer")
"""Fields of an item that anchors come from unless a recipe says otherwise; `authors` and `brand` cover their kin, such
as artists and manufacturers (see `domains.text_columns`)."""


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
        description="Shortest word that counts, in characters. Two-letter words are mostly sizes, units and "
        "initials. Chinese, Japanese and Korean words are exempt: there one character may be a word.",
    )
    drop_numbers: bool = Field(
        default=True,
        description="Drop words without a letter, and numbers in disguise: years, decades (1980s), ordinals (3rd).",
    )
    drop_sizes: bool = Field(
        default=True, description="Drop quantities with their unit and sizes: 30m, 75kg, 500ml, 10x15cm, 2er, xl."
    )
    stop_words: Literal["builtin", "none"] = Field(
        default="builtin", description="Whether the normaliser's own list of function words is dropped."
    )
    extra_stop_words: tuple[str, ...] = Field(
        default=(), description="Further words to drop, as they are written in titles or as lemmas."
    )
    parts_of_speech: tuple[PartOfSpeech, ...] = Field(
        default=("n", "v", "a", "r"),
        min_length=1,
        description="Order in which WordNet is asked for a word: nouns, verbs, adjectives, adverbs; the "
        "first that knows it gives the lemma. Titles are mostly nouns, and nouns alone are NLTK's default.",
    )


class VocabularySettings(BaseModel):
    """Which sememes become anchors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    normaliser: NormaliserSettings = Field(
        default_factory=NormaliserSettings, description="How a title becomes sememes."
    )
    language: Language = Field(
        default="auto",
        description="Language of the titles: its stop words are dropped, and its inflected forms are one word. 'auto' "
        "guesses it from the titles. English lemmas are WordNet's, other languages have stems (NLTK's Snowball).",
    )
    fields: tuple[str, ...] = Field(
        default=DEFAULT_FIELDS,
        min_length=1,
        description="Fields of an item that anchors are taken from; a field that a domain lacks gives nothing. Titles, "
        "descriptions and features give their words, any other field gives each of its values as one word. The paper "
        "takes titles alone. Descriptions are long and give many anchors that say little: name them only by choice.",
    )
    min_items: int = Field(
        default=2, ge=1, description="An anchor occurs in at least this many items, all domains together."
    )
    max_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="A word in more than this share of the items of any one domain is no anchor: it is "
        "boilerplate of a catalogue. The most frequent real words (platforms in game titles) reach 0.19.",
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
        """Whether a word of `count` items is in too large a share of a domain; `min_items` items are never too many."""
        # A product with the share is rounded: 0.29 * 100 is less than 29.
        return count > self.min_items and count / n_items > self.max_share
