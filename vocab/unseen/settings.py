"""What a recipe may say about words that are no anchors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class UnseenSettings(BaseModel):
    """How a word without an anchor finds some. Steps in this order; the first that finds any wins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lemma: bool = Field(
        default=True, description="Its lemma as another part of speech: running is a noun, and run a verb."
    )
    spelling: bool = Field(
        default=True,
        description="An anchor that is spelled nearly so: without accents, singular or plural, British or "
        "American, without a number at the end, or one edit away.",
    )
    compound: bool = Field(default=True, description="Two anchors that make up the word: spaceship is space and ship.")
    wordnet: bool = Field(default=True, description="Synonyms in WordNet, else the nearest hypernyms.")
    vectors: bool = Field(default=True, description="The nearest anchors by sentence vector; needs a sentence encoder.")
    edit_length: int = Field(
        default=7,
        ge=3,
        description="Letters that a word needs to be one edit away from an anchor. In short words one letter "
        "changes the meaning (martha, marsha).",
    )
    part_length: int = Field(
        default=4,
        ge=2,
        description="Letters that each part of a compound needs. At 3, carpet would be a car and a pet.",
    )
    senses: int = Field(default=1, ge=1, description="Senses of a word that WordNet is asked for, commonest first.")
    hypernym_depth: int = Field(
        default=2, ge=0, description="Steps up from a word to its hypernyms; 0 allows synonyms only."
    )
    nearest: int = Field(default=3, ge=1, description="Anchors that a word gets by vector, at most.")
    floor: float = Field(default=0.35, gt=0, le=1, description="Cosine that an anchor found by vector has at least.")
