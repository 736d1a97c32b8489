"""Count the items of each domain that hold a sememe, and choose the anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from domains.errors import InputError
from vocab.collocations import JOIN, strongest, with_phrases
from vocab.normalisers.base import Normaliser
from vocab.sememes import ItemSememes, Lemmas, read_sememes
from vocab.settings import VocabularySettings
from vocab.text import Titles


@dataclass(frozen=True)
class Census:
    """Counts of the sememes of one or more domains.

    Attributes:
        item_counts: domain -> sememe -> number of items that hold it.
        domain_sizes: domain -> number of items.
        lemma_of: surface form -> lemma, of all words of the titles and all known ones.
    """

    item_counts: Mapping[str, Mapping[str, int]]
    domain_sizes: Mapping[str, int]
    lemma_of: Lemmas

    @property
    def n_items(self) -> int:
        """Number of items of all domains."""
        return sum(self.domain_sizes.values())

    @property
    def totals(self) -> Counter[str]:
        """Sememe -> number of items over all domains."""
        totals: Counter[str] = Counter()
        for counts in self.item_counts.values():
            totals.update(counts)
        return totals

    def counts_of(self, words: Collection[str]) -> npt.NDArray[np.int64]:
        """(len(words),) int64, items over all domains."""
        totals = self.totals
        return np.array([totals[word] for word in words], dtype=np.int64)

    def anchors(self, settings: VocabularySettings, known: Collection[str] = ()) -> tuple[str, ...]:
        """Choose new anchors beside the `known` ones, most frequent first, ties in alphabetical order."""
        refused = set(known) | self._too_common(settings)
        totals = self.totals
        ranked = sorted(
            (-count, word) for word, count in totals.items() if count >= settings.min_items and word not in refused
        )
        room = len(ranked) if settings.max_anchors is None else max(settings.max_anchors - len(known), 0)
        return tuple(word for _, word in ranked[:room])

    def _too_common(self, settings: VocabularySettings) -> set[str]:
        """Sememes that occur in too large a share of a domain's items."""
        refused: set[str] = set()
        for domain, counts in self.item_counts.items():
            size = self.domain_sizes[domain]
            refused.update(word for word, count in counts.items() if settings.too_common(count, size))
        return refused


def take_census(
    titles_by_domain: Mapping[str, Titles],
    settings: VocabularySettings,
    normaliser: Normaliser,
    known_words: Collection[str] = (),
    known_lemmas: Lemmas = MappingProxyType({}),
) -> Census:
    """Count the sememes, including phrases, of one or more domains.

    Args:
        titles_by_domain: domain -> titles.
        settings: thresholds for sememes and the number of phrases.
        normaliser: tokenises and lemmatises titles.
        known_words: existing anchors; phrases among them are counted too.
        known_lemmas: surface form -> lemma; these words are not lemmatised again.

    Raises:
        InputError: no domain is given.
    """
    if not titles_by_domain:
        raise InputError("a vocabulary needs the titles of at least one domain", location="vocabulary")
    tables: dict[str, ItemSememes] = {}
    lemma_of: dict[str, str | None] = dict(known_lemmas)
    for domain, titles in titles_by_domain.items():
        tables[domain] = read_sememes(titles, normaliser, settings.normaliser, lemma_of)
        lemma_of.update(tables[domain].lemma_of)
    phrases = [*known_words, *_joined_words(tables.values(), settings.min_items)]
    if settings.collocations:
        phrases += strongest(tables.values(), settings.collocations, settings.min_items)
    tables = {domain: with_phrases(table, phrases) for domain, table in tables.items()}
    return Census(
        item_counts={
            domain: dict(zip(table.lemmas, table.item_counts.tolist(), strict=True)) for domain, table in tables.items()
        },
        domain_sizes={domain: table.n_items for domain, table in tables.items()},
        lemma_of=lemma_of,
    )


def _joined_words(tables: Collection[ItemSememes], min_items: int) -> list[str]:
    """Frequent words that are written as phrases, such as categories. Their parts side by side count as the phrase."""
    counts: Counter[str] = Counter()
    for table in tables:
        for lemma, count in zip(table.lemmas, table.item_counts.tolist(), strict=True):
            if JOIN in lemma:
                counts[lemma] += count
    return [word for word, count in counts.items() if count >= min_items]
