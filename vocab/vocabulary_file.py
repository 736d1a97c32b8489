"""Read and write a vocabulary as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vocab.documents import Layout
from vocab.settings import VocabularySettings


class VocabularyFile(BaseModel):
    """Fields of the JSON document; they validate it and give its JSON Schema."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: str = Field(description="Always 'sememe-vocabulary'.")
    version: int = Field(description="Format version.")
    fingerprint: str = Field(description="SHA-256 of words, settings and language.")
    domains: list[str] = Field(description="Domains it was built from.")
    n_items: int = Field(ge=0, le=2**53, description="Number of items of these domains.")
    language: str = Field(description="Language of the titles.")
    settings: dict[str, Any] = Field(description="Settings it was built with.")
    anchors: dict[str, int] = Field(description="Word -> number of items with it, in order of the anchor ids.")
    lemmas: dict[str, str | None] = Field(description="Surface form -> lemma, or null if it is filtered out.")


LAYOUT = Layout(
    VocabularyFile,
    "sememe-vocabulary",
    2,
    "sememe vocabulary",
    "Point to a vocabulary.json, make it again, or restore it",
)


def write(document: VocabularyFile, path: Path) -> None:
    """Write atomically, one entry per line."""
    LAYOUT.write(json.dumps(document.model_dump(), ensure_ascii=False, indent=1) + "\n", path)


def read(path: Path) -> tuple[VocabularyFile, VocabularySettings]:
    """Read and validate all but the fingerprint; see `SememeVocabulary.load`."""
    document = LAYOUT.read(path)
    for word, count in document.anchors.items():
        if not 0 <= count <= document.n_items:
            raise LAYOUT.damaged(path, f"anchors.{word}: {count} of {document.n_items} items hold it")
    try:
        return document, VocabularySettings.model_validate(document.settings)
    except ValidationError as error:
        raise LAYOUT.damaged(path, f"its settings are not valid ({error.errors()[0]['msg']})") from error
