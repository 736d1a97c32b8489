"""An unseen-word map as JSON with one word a line: readable, editable by hand, checked on reading."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from domains.errors import InputError
from vocab.documents import Layout
from vocab.unseen_report import ORDER
from vocab.unseen_settings import UnseenSettings
from vocab.unseen_steps import Link
from vocab.vocabulary import SememeVocabulary

if TYPE_CHECKING:
    from vocab.unseen import UnseenMap


class _File(BaseModel):
    """The JSON document."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Always 'unseen-words'.")
    version: int = Field(description="Version of this layout.")
    help: str = Field(default="", description="For the person who edits it.")
    encoder: str | None = Field(description="Sentence encoder that was used.")
    settings: UnseenSettings = Field(description="How it was built.")
    words: dict[str, list[tuple[str, float, str]]] = Field(description="Word -> [anchor, weight, step].")


LAYOUT = Layout(
    _File, "unseen-words", 1, "file of unseen words",
    "Give every word a list of [anchor, weight, step], or make the file again",
)  # fmt: skip


def write(unseen: UnseenMap, path: Path) -> None:
    """Write under a temporary name first."""
    head = {
        "format": LAYOUT.format,
        "version": LAYOUT.version,
        "help": "word: [[anchor, weight up to 1, step], ...]; write 'hand' as the step of what you change",
        "encoder": unseen.encoder,
        "settings": unseen.settings.model_dump(mode="json"),
    }
    words = ",\n".join(
        f"  {_text(word)}: {_text([[link.anchor, link.weight, link.step] for link in links])}"
        for word, links in sorted(unseen.links.items())
    )
    lines = "".join(f" {_text(key)}: {_text(value)},\n" for key, value in head.items())
    LAYOUT.write(f'{{\n{lines} "words": {{\n{words}\n }}\n}}\n', path)


def read(path: Path, vocabulary: SememeVocabulary) -> UnseenMap:
    """Read and check; see `UnseenMap.load`."""
    from vocab.unseen import UnseenMap

    document = LAYOUT.read(path)
    links = {
        word: tuple(_link(path, word, entry, vocabulary) for entry in entries)
        for word, entries in document.words.items()
    }
    return UnseenMap(vocabulary, MappingProxyType(links), document.settings, document.encoder)


def _link(path: Path, word: str, entry: tuple[str, float, str], vocabulary: SememeVocabulary) -> Link:
    anchor, weight, step = entry
    place = f"{path}, word {word!r}"
    if vocabulary.index(anchor) is None:
        raise InputError(f"{anchor!r} is no anchor", place=place, mend="Use a word of the vocabulary")
    if not 0 < weight <= 1:
        raise InputError(f"the weight {weight} does not lie in (0, 1]", place=place)
    if step not in ORDER[1:]:
        raise InputError(f"there is no step {step!r}", place=place, mend="Write 'hand' for what you change")
    return Link(anchor, weight, step)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
