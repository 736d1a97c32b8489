"""The steps that find anchors for other words. Each step gets the words that earlier steps did not map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vocab.encoder.vectors import SentenceEncoder, Track, untracked
from vocab.unseen.settings import UnseenSettings
from vocab.unseen.spelling import SpellingIndex
from vocab.wordnet.lexicon import wordnet

# How close the anchor is to the word: equal for a lemma, less for a part or a hypernym.
_LEMMA, _SPELLING, _PART, _SYNONYM = 1.0, 0.9, 0.7, 0.8
_HYPERNYM_DECAY = 0.75
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, order=True)
class Link:
    """An anchor that replaces a word.

    Attributes:
        anchor: a word of the vocabulary.
        weight: in (0, 1], its weight in an item; anchors in the title itself have weight 1.
        step: name of the step that found it.
    """

    anchor: str
    weight: float
    step: str


Links = Mapping[str, tuple[Link, ...]]
Step = Callable[[Sequence[str]], Links]


def steps(
    anchors: Sequence[str],
    settings: UnseenSettings,
    encoder: SentenceEncoder | None,
    track: Track = untracked,
    *,
    english: bool = True,
) -> Iterator[tuple[str, Step]]:
    """Yield the name and function of each enabled step, in order.

    Args:
        anchors: words of the vocabulary, most frequent first.
        settings: enabled steps and their limits.
        encoder: for the step "vectors"; None skips that step.
        track: shows the encoder's progress.
        english: whether the words are English; WordNet is used for English only.
    """
    known = frozenset(anchors)
    spelling = SpellingIndex(anchors, settings.edit_length)
    if settings.lemma and english:
        yield "lemma", lambda words: _by_lemma(words, known)
    if settings.spelling:
        yield "spelling", lambda words: _by_spelling(words, spelling, english=english)
    if settings.compound:
        yield "compound", lambda words: _by_parts(words, spelling, settings.part_length)
    if settings.wordnet and english:
        yield "wordnet", lambda words: _by_wordnet(words, known, settings)
    if settings.vectors and encoder is not None:
        yield "vectors", lambda words: _by_vectors(words, anchors, settings, encoder, track)


def _by_lemma(words: Sequence[str], anchors: frozenset[str]) -> Links:
    lexicon = wordnet()
    found = {word: [form for form in lexicon.forms(word) if form in anchors] for word in words}
    return {word: (Link(forms[0], _LEMMA, "lemma"),) for word, forms in found.items() if forms}


def _by_spelling(words: Sequence[str], index: SpellingIndex, *, english: bool) -> Links:
    knows = wordnet().knows if english else (lambda word: False)
    found = ((word, index.variant(word, is_dictionary_word=knows(word))) for word in words)
    return {word: (Link(anchor, _SPELLING, "spelling"),) for word, anchor in found if anchor is not None}


def _by_parts(words: Sequence[str], index: SpellingIndex, part_length: int) -> Links:
    found = ((word, index.parts(word, part_length)) for word in words)
    return {word: tuple(Link(part, _PART, "compound") for part in parts) for word, parts in found if parts}


def _by_wordnet(words: Sequence[str], anchors: frozenset[str], settings: UnseenSettings) -> Links:
    lexicon = wordnet()
    links: dict[str, tuple[Link, ...]] = {}
    for word in words:
        for distance, names in lexicon.relatives(word, settings.senses, settings.hypernym_depth):
            if near := sorted(names & anchors):
                weight = _SYNONYM * _HYPERNYM_DECAY**distance
                links[word] = tuple(Link(anchor, weight, "wordnet") for anchor in near)
                break
    return links


def _by_vectors(
    words: Sequence[str],
    anchors: Sequence[str],
    settings: UnseenSettings,
    encoder: SentenceEncoder,
    track: Track,
) -> Links:
    vectors = encoder.encode([readable(word) for word in (*anchors, *words)], track)
    targets, queries = vectors[: len(anchors)], vectors[len(anchors) :]
    count = min(settings.nearest, len(anchors))
    links: dict[str, tuple[Link, ...]] = {}
    for start in range(0, len(words), _ROWS_AT_ONCE):
        cosines = queries[start : start + _ROWS_AT_ONCE] @ targets.T
        best = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        weights = np.take_along_axis(cosines, best, axis=1)
        for row, word in enumerate(words[start : start + _ROWS_AT_ONCE]):
            near = sorted(zip((-weights[row]).tolist(), best[row].tolist(), strict=True))
            found = tuple(
                Link(anchors[index], round(min(-negative, 1.0), 4), "vectors")
                for negative, index in near
                if -negative >= settings.floor
            )
            if found:
                links[word] = found
    return links


def readable(word: str) -> str:
    """Write a sememe with spaces between the parts of a phrase."""
    return word.replace("_", " ")
