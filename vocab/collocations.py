"""Find two-word anchors by NLTK: "board game" becomes ``board_game``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from vocab.sememes import Ints, ItemSememes

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
