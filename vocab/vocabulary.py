"""`SememeVocabulary`: words <-> anchor ids, and titles -> sparse item-anchor matrix. Immutable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from domains.errors import InputError
from vocab.census import take_census
from vocab.collocations import with_phrases
from vocab.coverage import Coverage
from vocab.normalisers.base import Normaliser, make_normaliser
from vocab.normalisers.language import settle_language
from vocab.sememes import ItemSememes, Lemmas, read_sememes
from vocab.settings import VocabularySettings
from vocab.text import Titles
from vocab.vocabulary_file import LAYOUT, VocabularyFile, read, write

_UNMAPPED_SHOWN = 50


@dataclass(frozen=True, eq=False)
class ItemAnchors:
    """The anchors of some items.

    Attributes:
        matrix: (I, q) float32 CSR, 1.0 for each distinct anchor of a title; indices ascend in a row.
        coverage: how many items have anchors.
        surfaces: surface form -> lemma of the words that the vocabulary had not met (see
            `SememeVocabulary.remembering`).
    """

    matrix: csr_matrix
    coverage: Coverage
    surfaces: Lemmas


@dataclass(frozen=True, eq=False)
class SememeVocabulary:
    """The anchors that carry what was learned from domain to domain (Section 3.2). Build one with `build`.

    Attributes:
        words: (q,) lemmas; the id of an anchor is its position.
        lemma_of: surface form -> lemma, or None where the lemma is filtered out, of every word met so far:
            mapping titles of these words never loads WordNet.
        item_counts: (q,) int64, items that hold each anchor, over all domains.
        n_items: items of all domains.
        domains: names of the domains it was built over, in order.
        settings: how it was built.
        language: of the titles, as settled when it was built.
    """

    words: tuple[str, ...]
    lemma_of: Lemmas
    item_counts: npt.NDArray[np.int64]
    n_items: int
    domains: tuple[str, ...]
    settings: VocabularySettings
    language: str = "english"

    def __post_init__(self) -> None:
        if len(set(self.words)) != len(self.words):
            twice = next(word for word in self.words if self.words.count(word) > 1)
            raise InputError(f"the word {twice!r} occurs twice in the vocabulary")
        if self.item_counts.shape != (len(self.words),):
            raise InputError(f"{self.item_counts.shape} item counts for {len(self.words)} words")
        self.item_counts.setflags(write=False)
        object.__setattr__(self, "lemma_of", MappingProxyType(dict(self.lemma_of)))

    @classmethod
    def build(
        cls,
        titles_by_domain: Mapping[str, Titles],
        settings: VocabularySettings,
        normaliser: Normaliser | None = None,
    ) -> SememeVocabulary:
        """Take the anchors from the titles of some domains, most frequent first, then alphabetical.

        Args:
            titles_by_domain: domain name -> (I,) titles, or what `vocab.text.item_texts` makes of them.
            settings: which words become anchors.
            normaliser: in place of the one that the settings name.

        Raises:
            InputError: no word passes the filters.
        """
        language = settle_language(settings.language, titles_by_domain)
        normaliser = normaliser or make_normaliser(settings.normaliser, language)
        census = take_census(titles_by_domain, settings, normaliser)
        words = census.anchors(settings)
        if not words:
            raise InputError(
                f"no word of {census.n_items} titles passes the filters",
                location="vocabulary",
                hint="Lower min_items, raise max_share, or check the titles",
            )
        counts, domains = census.counts_of(words), tuple(titles_by_domain)
        return cls(words, census.lemma_of, counts, census.n_items, domains, settings, language)

    def extended(
        self, titles_by_domain: Mapping[str, Titles], normaliser: Normaliser | None = None
    ) -> SememeVocabulary:
        """Keep all anchors with their ids, and append the new anchors of more domains.

        Raises:
            InputError: a domain is in the vocabulary already.
        """
        again = sorted(set(titles_by_domain) & set(self.domains))
        if again:
            raise InputError(
                f"the vocabulary already holds the domain {again[0]!r}",
                hint="Give the new domain a name of its own",
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
        """Keep these surface forms with their lemmas as well, so that they load no WordNet again."""
        return replace(self, lemma_of={**surfaces, **self.lemma_of})

    def __len__(self) -> int:
        """Count the anchors: q."""
        return len(self.words)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def index(self, word: str) -> int | None:
        """Id of an anchor, None for a word that is none."""
        return self._index.get(word)

    @cached_property
    def idf(self) -> npt.NDArray[np.float32]:
        """(q,) float32, ln((1 + items) / (1 + items with the anchor)) + 1; never below 1."""
        idf = np.log((1 + self.n_items) / (1 + self.item_counts)) + 1
        return idf.astype(np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of words, settings and language; models refuse anchors that were numbered differently."""
        content = json.dumps(
            [self.words, self.settings.model_dump(mode="json"), self.language], ensure_ascii=False, sort_keys=True
        )
        return hashlib.sha256(content.encode()).hexdigest()

    def read(self, titles: Titles, normaliser: Normaliser | None = None) -> ItemSememes:
        """Turn (I,) titles into sememes, anchors or not; phrases only where they are anchors."""
        rules = self.settings.normaliser
        sememes = read_sememes(titles, normaliser or make_normaliser(rules, self.language), rules, self.lemma_of)
        return with_phrases(sememes, self.words)

    def encode(self, titles: Titles, normaliser: Normaliser | None = None) -> ItemAnchors:
        """Map (I,) titles, of any domain, to their anchors."""
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
        """Write readable JSON; complete or not at all."""
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
        write(document, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> SememeVocabulary:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged, or of another format version.
        """
        document, settings = read(Path(path))
        counts = np.array(list(document.anchors.values()), dtype=np.int64)
        words, domains = tuple(document.anchors), tuple(document.domains)
        vocabulary = cls(words, document.lemmas, counts, document.n_items, domains, settings, document.language)
        if vocabulary.fingerprint != document.fingerprint:
            raise LAYOUT.damaged(Path(path), "its words or settings were changed after it was written")
        return vocabulary


def _most_frequent(sememes: ItemSememes, unmapped: npt.NDArray[np.bool_]) -> tuple[tuple[str, int], ...]:
    """Rank the words without an anchor by the items that hold them, ties in alphabetical order."""
    left = np.flatnonzero(unmapped)
    ranked = sorted((-int(sememes.item_counts[index]), sememes.lemmas[index]) for index in left)
    return tuple((word, -count) for count, word in ranked[:_UNMAPPED_SHOWN])
