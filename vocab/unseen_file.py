"""An unseen-word map as JSON with one word a line: readable, editable by hand, checked on reading."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domains.errors import InputError
from vocab.files import replacing
from vocab.unseen_report import ORDER
from vocab.unseen_settings import UnseenSettings
from vocab.unseen_steps import Link
from vocab.vocabulary import SememeVocabulary

if TYPE_CHECKING:
    from vocab.unseen import UnseenMap

FORMAT = "unseen-words"
VERSION = 1


class _File(BaseModel):
    """The JSON document."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Always 'unseen-words'.")
    version: int = Field(description="Version of this layout.")
    help: str = Field(default="", description="For the person who edits it.")
    encoder: str | None = Field(description="Sentence encoder that was used.")
    settings: UnseenSettings = Field(description="How it was built.")
    words: dict[str, list[tuple[str, float, str]]] = Field(description="Word -> [anchor, weight, step].")


def write(unseen: UnseenMap, path: Path) -> None:
    """Write under a temporary name first."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "help": "word: [[anchor, weight up to 1, step], ...]; write 'hand' as the step of what you change",
        "encoder": unseen.encoder,
        "settings": unseen.settings.model_dump(mode="json"),
    }
    words = ",\n".join(
        f"  {_text(word)}: {_text([[link.anchor, link.weight, link.step] for link in links])}"
        for word, links in sorted(unseen.links.items())
    )
    lines = "".join(f" {_text(key)}: {_text(value)},\n" for key, value in head.items())
    try:
        with replacing(path) as unfinished:
            unfinished.write_text(f'{{\n{lines} "words": {{\n{words}\n }}\n}}\n', encoding="utf-8")
    except OSError as error:
        raise InputError(f"the unseen words cannot be written ({error})", place=path) from error


def read(path: Path, vocabulary: SememeVocabulary) -> UnseenMap:
    """Read and check; see `UnseenMap.load`."""
    from vocab.unseen import UnseenMap

    document = _document(path)
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


def _document(path: Path) -> _File:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("there is no such file of unseen words", place=path, mend="Check the path") from error
    except (OSError, ValueError) as error:
        raise InputError(f"it is no JSON ({error})", place=path, mend="Look for a comma or quote") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError("this is no file of unseen words", place=path)
    if content.get("version") != VERSION:
        raise InputError(
            f"it has format version {content.get('version')}, this program reads version {VERSION}",
            place=path,
            mend="Make it again with this version",
        )
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{key}: {first['msg']}", place=path, mend="A word has a list of [anchor, weight, step]"
        ) from error


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
