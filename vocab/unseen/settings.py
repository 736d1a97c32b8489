"""Settings of the unseen-word map."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
