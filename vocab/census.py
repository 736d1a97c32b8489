"""Which words become anchors: count in how many items of each domain a sememe occurs, then choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domains.errors import InputError
from vocab.normalise import Normaliser
from vocab.sememes import Lemmas, read_sememes
from vocab.settings import NormaliserSettings, VocabularySettings
from vocab.text import Titles


@dataclass(frozen=True)
class Census:
    """Sememes of some domains.

    Attributes:
        item_counts: domain -> sememe -> number of its items that hold it.
        domain_sizes: domain -> number of its items.
        lemma_of: surface form -> lemma of every word that occurs.
    """

    item_counts: Mapping[str, Mapping[str, int]]
    domain_sizes: Mapping[str, int]
    lemma_of: Lemmas

    @property
    def n_items(self) -> int:
        """Items of all domains."""
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
        """The words that become anchors beside the `known` ones, most frequent first, then alphabetical."""
        refused = set(known) | self._too_common(settings)
        totals = self.totals
        ranked = sorted(
            (-count, word)
            for word, count in totals.items()
            if count >= settings.min_items and word not in refused
        )
        room = len(ranked) if settings.max_anchors is None else max(settings.max_anchors - len(known), 0)
        return tuple(word for _, word in ranked[:room])

    def _too_common(self, settings: VocabularySettings) -> set[str]:
        """Sememes above `max_share` of a domain; in a handful of items `min_items` of them are never too many."""
        refused: set[str] = set()
        for domain, counts in self.item_counts.items():
            most = max(settings.max_share * self.domain_sizes[domain], settings.min_items)
            refused.update(word for word, count in counts.items() if count > most)
        return refused


def take_census(
    titles_by_domain: Mapping[str, Titles],
    settings: NormaliserSettings,
    normaliser: Normaliser,
    known: Lemmas,
) -> Census:
    """Count the sememes of some domains; only words that `known` lacks are lemmatised.

    Raises:
        InputError: there is no domain.
    """
    if not titles_by_domain:
        raise InputError("a vocabulary needs the titles of at least one domain", place="vocabulary")
    item_counts: dict[str, Mapping[str, int]] = {}
    sizes: dict[str, int] = {}
    lemma_of: dict[str, str | None] = {}
    for domain, titles in titles_by_domain.items():
        sememes = read_sememes(titles, normaliser, settings, {**known, **lemma_of})
        item_counts[domain] = dict(zip(sememes.lemmas, sememes.item_counts.tolist(), strict=True))
        sizes[domain] = sememes.n_items
        lemma_of.update(sememes.lemma_of)
    return Census(item_counts, sizes, lemma_of)
