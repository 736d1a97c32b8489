"""Read and write an unseen-word map as JSON, one word per line, to be edited by hand."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from domains.errors import InputError
from vocab.documents import Layout
from vocab.text import cleaned
from vocab.unseen.report import ORDER
from vocab.unseen.settings import UnseenSettings
from vocab.unseen.steps import Link, Links
from vocab.vocabulary import SememeVocabulary


class _File(BaseModel):
    """Fields of the JSON document."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Always 'unseen-words'.")
    version: int = Field(description="Format version.")
    help: str = Field(default="", description="A note for the person who edits the file.")
    encoder: str | None = Field(description="Sentence encoder that was used.")
    settings: UnseenSettings = Field(description="Settings it was built with.")
    words: dict[str, list[tuple[str, float, str]]] = Field(description="Word -> [anchor, weight, step].")


LAYOUT = Layout(
    _File, "unseen-words", 1, "file of unseen words",
    "Write [anchor, weight, step] lists for every word, or create the file again",
)  # fmt: skip


def write(path: Path, links: Links, settings: UnseenSettings, encoder: str | None) -> None:
    """Write the map atomically."""
    head = {
        "format": LAYOUT.format,
        "version": LAYOUT.version,
        "help": "word: [[anchor, weight up to 1, step], ...]; set the step of entries you change to 'hand'",
        "encoder": encoder,
        "settings": settings.model_dump(mode="json"),
    }
    words = ",\n".join(
        f"  {_text(word)}: {_text([[link.anchor, link.weight, link.step] for link in found])}"
        for word, found in sorted(links.items())
    )
    lines = "".join(f" {_text(key)}: {_text(value)},\n" for key, value in head.items())
    LAYOUT.write(f'{{\n{lines} "words": {{\n{words}\n }}\n}}\n', path)


def read(path: Path, vocabulary: SememeVocabulary) -> tuple[Links, UnseenSettings, str | None]:
    """Read and validate links, settings and the name of the sentence encoder; see `UnseenMap.load`."""
    document = LAYOUT.read(path)
    links = {
        word: tuple(_link(path, word, entry, vocabulary) for entry in entries)
        for word, entries in document.words.items()
    }
    # People may write words with capitals; the normalisers use lower case.
    lower = cleaned(pa.array(list(links), pa.large_string())).to_pylist()
    links = {**dict(zip(lower, links.values(), strict=True)), **links}
    return MappingProxyType(links), document.settings, document.encoder


def _link(path: Path, word: str, entry: tuple[str, float, str], vocabulary: SememeVocabulary) -> Link:
    anchor, weight, step = entry
    location = f"{path}, word {word!r}"
    if vocabulary.index(anchor) is None:
        raise InputError(f"{anchor!r} is no anchor", location=location, hint="Use a word of the vocabulary")
    if not 0 < weight <= 1:
        raise InputError(f"the weight {weight} is not in (0, 1]", location=location)
    if step not in ORDER[1:]:
        raise InputError(
            f"there is no step {step!r}", location=location, hint="Set the step of entries you change to 'hand'"
        )
    return Link(anchor, weight, step)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
