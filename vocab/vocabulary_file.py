"""A vocabulary as readable JSON, versioned and checked on reading."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domains.errors import InputError
from vocab.files import replacing
from vocab.settings import VocabularySettings

if TYPE_CHECKING:
    from vocab.vocabulary import SememeVocabulary

FORMAT = "sememe-vocabulary"
VERSION = 1


class _File(BaseModel):
    """The JSON document; JSON Schema and checks come from here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: str = Field(description="Always 'sememe-vocabulary'.")
    version: int = Field(description="Version of this layout.")
    fingerprint: str = Field(description="SHA-256 of words and settings.")
    domains: list[str] = Field(description="Domains it was built over.")
    n_items: int = Field(ge=0, description="Items of these domains.")
    settings: dict[str, Any] = Field(description="How it was built.")
    anchors: dict[str, int] = Field(description="Word -> items that hold it; the order is the anchor ids.")
    lemmas: dict[str, str | None] = Field(description="Surface form -> lemma, null where it is filtered out.")


def write(vocabulary: SememeVocabulary, path: Path) -> None:
    """Write one entry a line, under a temporary name first."""
    document = _File(
        format=FORMAT,
        version=VERSION,
        fingerprint=vocabulary.fingerprint,
        domains=list(vocabulary.domains),
        n_items=vocabulary.n_items,
        settings=vocabulary.settings.model_dump(mode="json"),
        anchors=dict(zip(vocabulary.words, vocabulary.item_counts.tolist(), strict=True)),
        lemmas=dict(sorted(vocabulary.lemma_of.items())),
    )
    text = json.dumps(document.model_dump(), ensure_ascii=False, indent=1)
    try:
        with replacing(path) as unfinished:
            unfinished.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"the vocabulary cannot be written ({error})", place=path) from error


def read(path: Path) -> SememeVocabulary:
    """Read and check; see `SememeVocabulary.load`."""
    from vocab.vocabulary import SememeVocabulary

    document = _document(path)
    try:
        settings = VocabularySettings.model_validate(document.settings)
    except ValidationError as error:
        raise _damaged(path, f"its settings are not valid ({error.errors()[0]['msg']})") from error
    vocabulary = SememeVocabulary(
        words=tuple(document.anchors),
        lemma_of=document.lemmas,
        item_counts=np.array(list(document.anchors.values()), dtype=np.int64),
        n_items=document.n_items,
        domains=tuple(document.domains),
        settings=settings,
    )
    if vocabulary.fingerprint != document.fingerprint:
        raise _damaged(path, "its words or settings were changed after it was written")
    return vocabulary


def _document(path: Path) -> _File:
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_refuse_duplicates)
    except FileNotFoundError as error:
        raise InputError("there is no such vocabulary", place=path, mend="Check the path") from error
    except _DuplicateError as error:
        raise _damaged(path, f"the word {error} occurs twice") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, f"it is no JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError("this is not a sememe vocabulary", place=path, mend="Point to a vocabulary.json")
    if content.get("version") != VERSION:
        raise InputError(
            f"it has format version {content.get('version')}, this program reads version {VERSION}",
            place=path,
            mend="Make it again with this version, or install the version that made it",
        )
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise _damaged(path, f"{key}: {first['msg']}") from error


class _DuplicateError(Exception):
    """A key occurs twice in one JSON object."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _DuplicateError(repr(Counter(key for key, _ in pairs).most_common(1)[0][0]))
    return content


def _damaged(path: Path, problem: str) -> InputError:
    return InputError(f"the vocabulary is damaged: {problem}", place=path, mend="Make it again, or restore the file")
