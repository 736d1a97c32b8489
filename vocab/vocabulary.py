"""`SememeVocabulary`: map words to anchor ids, and titles to a sparse item-anchor matrix. Immutable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.sparse import csr_matrix

from domains.errors import DataError, SettingsError
from vocab.census import take_census, with_phrases
from vocab.coverage import Coverage
from vocab.documents import Layout
from vocab.normalisers.language import settle_language
from vocab.normalisers.normaliser import Normaliser, make_normaliser
from vocab.sememes import ItemSememes, Lemmas, read_sememes
from vocab.settings import VocabularySettings
from vocab.text import Titles

_UNMAPPED_SHOWN = 50


@dataclass(frozen=True, eq=False)
class ItemAnchors:
    """Anchors of items.

    Attributes:
        matrix: (I, q) float32 CSR, 1.0 for each distinct anchor of a title; indices ascend in a row.
        coverage: share of items with anchors.
        surfaces: surface form -> lemma, of words new to the vocabulary (see `SememeVocabulary.remembering`).
    """

    matrix: csr_matrix
    coverage: Coverage
    surfaces: Lemmas


@dataclass(frozen=True, eq=False, kw_only=True)
class SememeVocabulary:
    """The anchors that all domains share (Section 3.2). Make one with `build`.

    Attributes:
        words: (q,) lemmas; the id of an anchor is its position.
        lemma_of: surface form -> lemma, or None if the lemma is filtered out. Words listed here never load WordNet.
        item_counts: (q,) int64, number of items with each anchor, over all domains.
        n_items: number of items of all domains.
        domains: names of the domains it was built from, in order.
        settings: settings it was built with.
        language: language of the titles.
    """

    words: tuple[str, ...]
    lemma_of: Lemmas
    item_counts: npt.NDArray[np.int64]
    n_items: int
    domains: tuple[str, ...]
    settings: VocabularySettings
    language: str = "english"

    def __repr__(self) -> str:
        """Show the number of anchors and the domains."""
        return f"<SememeVocabulary of {', '.join(self.domains)}: {len(self):,} anchors>"

    def __post_init__(self) -> None:
        if len(set(self.words)) != len(self.words):
            twice = next(word for word in self.words if self.words.count(word) > 1)
            raise DataError(f"the word {twice!r} occurs twice in the vocabulary", code="vocabulary")
        if self.item_counts.shape != (len(self.words),):
            raise DataError(f"{self.item_counts.shape} item counts for {len(self.words)} words", code="vocabulary")
        self.item_counts.setflags(write=False)
        object.__setattr__(self, "lemma_of", MappingProxyType(dict(self.lemma_of)))

    @classmethod
    def build(
        cls,
        titles_by_domain: Mapping[str, Titles],
        settings: VocabularySettings,
        normaliser: Normaliser | None = None,
        needed: bool = True,
    ) -> SememeVocabulary:
        """Choose anchors from the titles of one or more domains, most frequent first, then alphabetical.

        Args:
            titles_by_domain: domain name -> (I,) titles, or the output of `vocab.item_texts.item_texts`.
            settings: rules for anchors.
            normaliser: replaces the one that the settings name.
            needed: whether there must be an anchor. Without any, items are known by IDs and whole titles alone.

        Raises:
            InputError: no word meets the settings, and one is needed.
        """
        language = settle_language(settings.language, titles_by_domain)
        normaliser = normaliser or make_normaliser(settings.normaliser, language)
        census = take_census(titles_by_domain, settings, normaliser)
        words = census.anchors(settings)
        if needed and not words:
            raise DataError(
                f"no word of {census.n_items} titles can become an anchor",
                location="vocabulary",
                hint="Lower vocabulary.min_items, raise vocabulary.max_share, or check the titles",
                code="no-anchors",
            )
        counts, domains = census.counts_of(words), tuple(titles_by_domain)
        return cls(
            words=words,
            lemma_of=census.lemma_of,
            item_counts=counts,
            n_items=census.n_items,
            domains=domains,
            settings=settings,
            language=language,
        )

    def extended(
        self, titles_by_domain: Mapping[str, Titles], normaliser: Normaliser | None = None
    ) -> SememeVocabulary:
        """Return a vocabulary with the same anchors and ids, followed by new anchors of more domains.

        Raises:
            InputError: the vocabulary already holds a domain of that name.
        """
        again = sorted(set(titles_by_domain) & set(self.domains))
        if again:
            raise SettingsError(
                f"the vocabulary already holds the domain {again[0]!r}",
                hint="Rename the new domain",
                code="names",
            )
        normaliser = normaliser or make_normaliser(self.settings.normaliser, self.language)
        census = take_census(titles_by_domain, self.settings, normaliser, self.words, self.lemma_of)
        words = self.words + census.anchors(self.settings, known=self.words)
        counts = census.counts_of(words)
        counts[: len(self)] += self.item_counts
        return SememeVocabulary(
            words=words,
            lemma_of=census.lemma_of,
            item_counts=counts,
            n_items=self.n_items + census.n_items,
            domains=self.domains + tuple(titles_by_domain),
            settings=self.settings,
            language=self.language,
        )

    def remembering(self, surfaces: Lemmas) -> SememeVocabulary:
        """Return a copy that also knows these lemmas, so that WordNet is not loaded for them again."""
        return replace(self, lemma_of={**surfaces, **self.lemma_of})

    def __len__(self) -> int:
        """Number of anchors q."""
        return len(self.words)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def index(self, word: str) -> int | None:
        """Return the id of an anchor, or None if the word is no anchor."""
        return self._index.get(word)

    @cached_property
    def idf(self) -> npt.NDArray[np.float32]:
        """(q,) float32, ln((1 + items) / (1 + items with the anchor)) + 1; never below 1."""
        idf = np.log((1 + self.n_items) / (1 + self.item_counts)) + 1
        return idf.astype(np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of words, settings and language. Models check it, because anchor ids must not change."""
        content = json.dumps(
            [self.words, self.settings.model_dump(mode="json"), self.language], ensure_ascii=False, sort_keys=True
        )
        return hashlib.sha256(content.encode()).hexdigest()

    def read(self, titles: Titles, normaliser: Normaliser | None = None) -> ItemSememes:
        """Turn (I,) titles into sememes, anchors or not. Phrases count only if they are anchors."""
        rules = self.settings.normaliser
        sememes = read_sememes(titles, normaliser or make_normaliser(rules, self.language), rules, self.lemma_of)
        return with_phrases(sememes, self.words)

    def encode(self, titles: Titles, normaliser: Normaliser | None = None) -> ItemAnchors:
        """Map (I,) titles of any domain to anchors."""
        sememes = self.read(titles, normaliser)
        anchor_of = np.array([self._index.get(lemma, -1) for lemma in sememes.lemmas], dtype=np.int64)
        items, ids = sememes.pairs
        anchors = anchor_of[ids]
        mapped = anchors >= 0
        ones = np.ones(np.count_nonzero(mapped), np.float32)
        matrix = csr_matrix((ones, (items[mapped], anchors[mapped])), shape=(sememes.n_items, len(self)))
        matrix.sort_indices()
        coverage = Coverage.of(matrix, _most_frequent(sememes, anchor_of < 0))
        new = {surface: lemma for surface, lemma in sememes.lemma_of.items() if surface not in self.lemma_of}
        return ItemAnchors(matrix, coverage, MappingProxyType(new))

    def save(self, path: str | Path) -> None:
        """Write readable JSON, atomically."""
        document = VocabularyFile(
            format=LAYOUT.format,
            version=LAYOUT.version,
            fingerprint=self.fingerprint,
            domains=list(self.domains),
            n_items=self.n_items,
            language=self.language,
            settings=self.settings.model_dump(mode="json"),
            anchors=dict(zip(self.words, self.item_counts.tolist(), strict=True)),
            lemmas=dict(sorted(self.lemma_of.items())),
        )
        _write_file(document, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> SememeVocabulary:
        """Read a vocabulary that `save` wrote.

        Raises:
            InputError: the file is missing or damaged, or has another format version.
        """
        document, settings = _read_file(Path(path))
        counts = np.array(list(document.anchors.values()), dtype=np.int64)
        words, domains = tuple(document.anchors), tuple(document.domains)
        vocabulary = cls(
            words=words,
            lemma_of=document.lemmas,
            item_counts=counts,
            n_items=document.n_items,
            domains=domains,
            settings=settings,
            language=document.language,
        )
        if vocabulary.fingerprint != document.fingerprint:
            raise LAYOUT.damaged(Path(path), "its words or settings were changed after it was written")
        return vocabulary


def _most_frequent(sememes: ItemSememes, unmapped: npt.NDArray[np.bool_]) -> tuple[tuple[str, int], ...]:
    """Return words without an anchor and their item counts, most frequent first, ties alphabetical."""
    left = np.flatnonzero(unmapped)
    ranked = sorted((-int(sememes.item_counts[index]), sememes.lemmas[index]) for index in left)
    return tuple((word, -count) for count, word in ranked[:_UNMAPPED_SHOWN])


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
    model=VocabularyFile,
    format="sememe-vocabulary",
    version=2,
    name="sememe vocabulary",
    hint="Point to a vocabulary.json, make it again, or restore it",
)


def _write_file(document: VocabularyFile, path: Path) -> None:
    """Write atomically, one entry per line."""
    LAYOUT.write(json.dumps(document.model_dump(), ensure_ascii=False, indent=1) + "\n", path)


def _read_file(path: Path) -> tuple[VocabularyFile, VocabularySettings]:
    """Read and validate all but the fingerprint; see `SememeVocabulary.load`."""
    document = LAYOUT.read(path)
    for word, count in document.anchors.items():
        if not 0 <= count <= document.n_items:
            raise LAYOUT.damaged(path, f"anchors.{word}: {count} of {document.n_items} items hold it")
    try:
        return document, VocabularySettings.model_validate(document.settings)
    except ValidationError as error:
        raise LAYOUT.damaged(path, f"its settings are not valid ({error.errors()[0]['msg']})") from error
