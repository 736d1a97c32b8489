"""Count the items of each domain that hold a sememe or a two-word phrase, and choose the anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from domains.errors import SettingsError
from vocab.normalisers.normaliser import Normaliser
from vocab.sememes import Ints, ItemSememes, Lemmas, read_sememes
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
        excluded = set(known) | self._too_common(settings)
        totals = self.totals
        ranked = sorted(
            (-count, word) for word, count in totals.items() if count >= settings.min_items and word not in excluded
        )
        room = len(ranked) if settings.max_anchors is None else max(settings.max_anchors - len(known), 0)
        return tuple(word for _, word in ranked[:room])

    def _too_common(self, settings: VocabularySettings) -> set[str]:
        """Sememes that occur in too large a share of a domain's items."""
        excluded: set[str] = set()
        for domain, counts in self.item_counts.items():
            size = self.domain_sizes[domain]
            excluded.update(word for word, count in counts.items() if settings.too_common(count, size))
        return excluded


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
        raise SettingsError(
            "a vocabulary needs the titles of at least one domain",
            location="vocabulary",
            hint="Name a source, or set target_titles to true",
            code="no-domain",
        )
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


JOIN = "_"


def strongest(tables: Iterable[ItemSememes], count: int, min_count: int) -> tuple[str, ...]:
    """Return the pairs of neighbouring sememes with the highest likelihood ratio (Dunning, 1993).

    Stop words are removed first: "Lord of the Rings" gives ``lord_ring``.

    Args:
        tables: titles as sememes, one table per domain.
        count: number of pairs.
        min_count: minimum number of occurrences of a pair.
    """
    from nltk.collocations import BigramAssocMeasures, BigramCollocationFinder
    from nltk.probability import FreqDist

    words, pairs = FreqDist(), FreqDist()
    for table in tables:
        uses = np.bincount(table.ids, minlength=len(table.lemmas)).tolist()
        words.update(dict(zip(table.lemmas, uses, strict=True)))
        keys, times = np.unique(_neighbours(table)[0], return_counts=True)
        first, second = keys // len(table.lemmas), keys % len(table.lemmas)
        for left, right, often in zip(first.tolist(), second.tolist(), times.tolist(), strict=True):
            pairs[table.lemmas[left], table.lemmas[right]] += often
    finder = BigramCollocationFinder(words, pairs)
    finder.apply_ngram_filter(lambda left, right: left == right or pairs[left, right] < min_count)
    scored = finder.score_ngrams(BigramAssocMeasures.likelihood_ratio)
    ranked = sorted((-score, pair) for pair, score in scored)
    return tuple(JOIN.join(pair) for _, pair in ranked[:count])


def with_phrases(table: ItemSememes, words: Collection[str]) -> ItemSememes:
    """Add a sememe for each phrase of `words` whose parts are neighbours in a title. The parts stay."""
    wanted = _phrase_keys(table.lemmas, words)
    if not wanted:
        return table
    phrases = tuple(dict.fromkeys(phrase for _, phrase in wanted))
    there = set(table.lemmas)
    new = tuple(phrase for phrase in phrases if phrase not in there)
    lemmas = table.lemmas + new
    position = {lemma: index for index, lemma in enumerate(lemmas)}
    wanted_keys = np.array([key for key, _ in wanted], dtype=np.int64)
    wanted_ids = np.array([position[phrase] for _, phrase in wanted], dtype=np.int64)
    keys, rows = _neighbours(table)
    slot = np.minimum(np.searchsorted(wanted_keys, keys), len(wanted_keys) - 1)
    hit = wanted_keys[slot] == keys
    rows = np.concatenate((table.rows, rows[hit]))
    ids = np.concatenate((table.ids, wanted_ids[slot[hit]]))
    order = np.argsort(rows, kind="stable")
    return replace(table, lemmas=lemmas, rows=rows[order], ids=ids[order])


def _neighbours(table: ItemSememes) -> tuple[Ints, Ints]:
    """Keys (first * number of sememes + second) and rows of neighbouring sememes."""
    same_title = table.rows[:-1] == table.rows[1:]
    keys = table.ids[:-1] * len(table.lemmas) + table.ids[1:]
    return keys[same_title], table.rows[:-1][same_title]


def _phrase_keys(lemmas: Sequence[str], words: Collection[str]) -> list[tuple[int, str]]:
    """Sorted (key, phrase) for each way to split a phrase into two sememes of the table."""
    position = {lemma: index for index, lemma in enumerate(lemmas)}
    return sorted(
        (position[left] * len(lemmas) + position[right], phrase)
        for phrase in words
        if JOIN in phrase
        for left, right in _cuts(phrase)
        if left in position and right in position
    )


def _cuts(phrase: str) -> Iterator[tuple[str, str]]:
    parts = phrase.split(JOIN)
    for middle in range(1, len(parts)):
        yield JOIN.join(parts[:middle]), JOIN.join(parts[middle:])
