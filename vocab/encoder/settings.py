"""Settings of the sentence encoder, among them the template of an item's text."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from domains.settings import Settings

DEFAULT_TEMPLATE = "{title} by {authors|brand|developer}. {categories}"


def parse_template(template: str) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], str]:
    """Split a template into (text before a field, names of the field) pairs and the text after the last field.

    ``{authors|brand}`` is the first of the two that an item has.

    Raises:
        ValueError: braces do not match, or there is no field.
    """
    parts: list[tuple[str, tuple[str, ...]]] = []
    ending = ""
    for literal, field, rule, conversion in Formatter().parse(template):
        if field is None:
            ending = literal
            continue
        names = tuple(name.strip() for name in field.split("|"))
        if not all(names) or rule or conversion:
            raise ValueError("write fields as {title}, or as {authors|brand} for the first that an item has")
        parts.append((literal, names))
    if not parts:
        raise ValueError("name at least one field, such as {title}")
    return tuple(parts), ending


def template_fields(template: str) -> tuple[str, ...]:
    """Return the names of the fields in a template, in its order; see `parse_template`."""
    return tuple(name for _, names in parse_template(template)[0] for name in names)


class SemanticSettings(Settings):
    """The sentence encoder of anchors and item texts."""

    ignored: ClassVar[Mapping[str, object]] = {"batch_tokens": None, "cache": None}

    encoder: str = Field(
        default="auto",
        description="'auto' uses the installed extra [semantic] (English), 'multilingual' the extra [multilingual] "
        "(16 languages). Or give a folder with config.json, tokenizer and safetensors, or an id of the Hugging Face "
        "hub, which is downloaded once. Relative paths are searched in the recipe's folder, then in the working "
        "folder.",
    )
    revision: str | None = Field(
        default=None, description="Branch, tag or commit of a hub id. Use a commit to make runs repeatable."
    )
    template: str = Field(
        default=DEFAULT_TEMPLATE,
        description="Text of an item for the encoder. An empty field is left out together with the text before it. "
        "{authors|brand} is the first of the two that the item has. '{title}' is the title only.",
    )
    max_length: int = Field(default=64, ge=3, description="Maximum length of a text in tokens; longer texts are cut.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Floating point format of the encoder. 'auto' is bfloat16 if the hardware supports it, else "
        "float32. With bfloat16, 99 % of the ten nearest neighbours are the same (python -m benchmarks "
        "sentence_vectors).",
    )
    whitening: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Whitening of the vectors: 0 leaves them unchanged, 1 gives all directions the same variance. "
        "Learned from the anchors.",
    )

    @field_validator("template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        parse_template(value)
        return value
