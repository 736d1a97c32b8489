"""The steps that find anchors for other words, and a report of what each step found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vocab.encoder.sentence_encoder import SentenceEncoder, Track, untracked
from vocab.sememes import ItemSememes
from vocab.settings import UnseenSettings
from vocab.unseen.spelling import SpellingIndex
from vocab.wordnet.lexicon import wordnet

# How close the anchor is to the word: equal for a lemma, less for a part or a hypernym.
_LEMMA, _SPELLING, _PART, _SYNONYM = 1.0, 0.9, 0.7, 0.8
_HYPERNYM_DECAY = 0.75
EDIT_LENGTH = 7
"""Minimum length of a word that may differ from an anchor by one edit. In short words one letter changes the meaning
(martha, marsha)."""
PART_LENGTH = 4
"""Minimum length of each part of a compound. At 3, carpet would be car and pet."""
SENSES = 1
"""WordNet senses to use, most frequent first."""
HYPERNYM_DEPTH = 2
"""Maximum steps up to a hypernym."""
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
    spelling = SpellingIndex(anchors, EDIT_LENGTH)
    if "lemma" in settings.steps and english:
        yield "lemma", lambda words: _by_lemma(words, known)
    if "spelling" in settings.steps:
        yield "spelling", lambda words: _by_spelling(words, spelling, english=english)
    if "compound" in settings.steps:
        yield "compound", lambda words: _by_parts(words, spelling)
    if "wordnet" in settings.steps and english:
        yield "wordnet", lambda words: _by_wordnet(words, known)
    if "vectors" in settings.steps and encoder is not None:
        yield "vectors", lambda words: _by_vectors(words, anchors, settings, encoder, track)


def _by_lemma(words: Sequence[str], anchors: frozenset[str]) -> Links:
    lexicon = wordnet()
    found = {word: [form for form in lexicon.forms(word) if form in anchors] for word in words}
    return {word: (Link(forms[0], _LEMMA, "lemma"),) for word, forms in found.items() if forms}


def _by_spelling(words: Sequence[str], index: SpellingIndex, *, english: bool) -> Links:
    knows = wordnet().knows if english else (lambda word: False)
    found = ((word, index.variant(word, is_dictionary_word=knows(word))) for word in words)
    return {word: (Link(anchor, _SPELLING, "spelling"),) for word, anchor in found if anchor is not None}


def _by_parts(words: Sequence[str], index: SpellingIndex) -> Links:
    found = ((word, index.parts(word, PART_LENGTH)) for word in words)
    return {word: tuple(Link(part, _PART, "compound") for part in parts) for word, parts in found if parts}


def _by_wordnet(words: Sequence[str], anchors: frozenset[str]) -> Links:
    lexicon = wordnet()
    links: dict[str, tuple[Link, ...]] = {}
    for word in words:
        for distance, names in lexicon.relatives(word, SENSES, HYPERNYM_DEPTH):
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


ORDER = ("anchor", "lemma", "spelling", "compound", "wordnet", "vectors", "hand")
"""Steps, in the order in which `StepReport.first` counts items."""
_SHOWN = 50


@dataclass(frozen=True)
class StepReport:
    """Counts of one step.

    Attributes:
        step: its name; ``anchor`` for words that are anchors, ``hand`` for edited words.
        words: number of distinct words mapped.
        items: number of items with such a word.
        first: number of items that got their first anchor in this step.
    """

    step: str
    words: int
    items: int
    first: int


@dataclass(frozen=True)
class UnseenReport:
    """How many titles of a domain have anchors, and by which step.

    Attributes:
        steps: counts of each step, in the order of `ORDER`.
        n_items: number of items I.
        unmapped: (word, number of items) of words without an anchor, most frequent first.
    """

    steps: tuple[StepReport, ...]
    n_items: int
    unmapped: tuple[tuple[str, int], ...]

    @property
    def n_covered(self) -> int:
        """Number of items with at least one anchor."""
        return sum(step.first for step in self.steps)

    @property
    def share(self) -> float:
        """Share of items with at least one anchor, in [0, 1]."""
        return self.n_covered / self.n_items if self.n_items else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, including the share."""
        return {**asdict(self), "n_covered": self.n_covered, "share": self.share}

    def __str__(self) -> str:
        lines = [f"{self.n_covered:,} of {self.n_items:,} items have an anchor ({self.share:.1%})"]
        lines += [
            f"  {step.step:9} {step.words:7,} words in {step.items:7,} items, the first anchor of {step.first:,}"
            for step in self.steps
        ]
        if self.unmapped:
            lines.append("  without anchor: " + ", ".join(f"{word} {count}" for word, count in self.unmapped[:10]))
        return "\n".join(lines)


def report_on(sememes: ItemSememes, step_of: Sequence[str | None]) -> UnseenReport:
    """Count words and items per step; `step_of` names the step that mapped each sememe, None for unmapped ones."""
    items, ids = sememes.pairs
    nothing = len(ORDER)
    rank_of = np.array([nothing if step is None else ORDER.index(step) for step in step_of], dtype=np.int64)
    ranks = rank_of[ids]
    first = np.full(sememes.n_items, nothing, dtype=np.int64)
    np.minimum.at(first, items, ranks)
    reports = tuple(
        StepReport(
            step,
            words=int(np.count_nonzero(rank_of == rank)),
            items=len(np.unique(items[ranks == rank])),
            first=int(np.count_nonzero(first == rank)),
        )
        for rank, step in enumerate(ORDER)
    )
    left = np.flatnonzero(rank_of == nothing)
    ranked = sorted((-int(sememes.item_counts[index]), sememes.lemmas[index]) for index in left)
    unmapped = tuple((word, -count) for count, word in ranked[:_SHOWN])
    return UnseenReport(reports, sememes.n_items, unmapped)
