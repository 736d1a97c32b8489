"""A vocabulary as readable JSON, versioned and checked on reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vocab.documents import Layout
from vocab.settings import VocabularySettings

if TYPE_CHECKING:
    from vocab.vocabulary import SememeVocabulary


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


LAYOUT = Layout(
    _File, "sememe-vocabulary", 1, "sememe vocabulary", "Point to a vocabulary.json, make it again, or restore it"
)


def write(vocabulary: SememeVocabulary, path: Path) -> None:
    """Write one entry a line, under a temporary name first."""
    document = _File(
        format=LAYOUT.format,
        version=LAYOUT.version,
        fingerprint=vocabulary.fingerprint,
        domains=list(vocabulary.domains),
        n_items=vocabulary.n_items,
        settings=vocabulary.settings.model_dump(mode="json"),
        anchors=dict(zip(vocabulary.words, vocabulary.item_counts.tolist(), strict=True)),
        lemmas=dict(sorted(vocabulary.lemma_of.items())),
    )
    LAYOUT.write(json.dumps(document.model_dump(), ensure_ascii=False, indent=1) + "\n", path)


def read(path: Path) -> SememeVocabulary:
    """Read and check; see `SememeVocabulary.load`."""
    from vocab.vocabulary import SememeVocabulary

    document = LAYOUT.read(path)
    try:
        settings = VocabularySettings.model_validate(document.settings)
    except ValidationError as error:
        raise LAYOUT.damaged(path, f"its settings are not valid ({error.errors()[0]['msg']})") from error
    vocabulary = SememeVocabulary(
        words=tuple(document.anchors),
        lemma_of=document.lemmas,
        item_counts=np.array(list(document.anchors.values()), dtype=np.int64),
        n_items=document.n_items,
        domains=tuple(document.domains),
        settings=settings,
    )
    if vocabulary.fingerprint != document.fingerprint:
        raise LAYOUT.damaged(path, "its words or settings were changed after it was written")
    return vocabulary
