"""What a recipe may say about the sentence encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from vocab.template import DEFAULT_TEMPLATE, parse_template


class SemanticSettings(BaseModel):
    """Where the vectors of anchors and titles come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field(
        default="auto",
        description="A folder with config.json, tokenizer and safetensors; or 'auto', the model of the "
        "installed extra [semantic] (English); or 'multilingual', that of the extra [multilingual] (16 languages); or "
        "an id of the Hugging Face hub, downloaded once. A relative path starts at the recipe's folder, "
        "then at the working folder.",
    )
    revision: str | None = Field(
        default=None, description="Branch, tag or commit of a hub id; a commit makes a run repeatable."
    )
    template: str = Field(
        default=DEFAULT_TEMPLATE,
        description="The text of an item that becomes its vector. A field without a value is left out with the text "
        "before it; {authors|brand} is the first of the two that an item has; '{title}' is the title alone.",
    )
    max_length: int = Field(default=64, ge=3, description="Longest text in tokens; what is beyond is cut off.")
    batch_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Tokens in a batch. Unset is 1,024 on a CPU, whose caches it fits, and 65,536 on a GPU.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Arithmetic of the encoder. 'auto' is bfloat16 where the hardware has it, else float32. With "
        "bfloat16, 99 % of the ten nearest neighbours are those of float32 (python -m benchmarks sentence_vectors).",
    )
    whitening: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="How far directions in which all texts agree are evened out: 0 leaves vectors as they are, "
        "1 makes all directions equal. Learned from the anchors.",
    )
    cache: Path | None = Field(
        default=None,
        description="Folder that keeps vectors between runs. Unset is $TRANSFER_CACHE, else the user's own.",
    )

    @field_validator("template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        parse_template(value)
        return value
