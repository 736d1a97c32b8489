"""Words that are no anchors -> weighted anchors: a map that can be read, edited by hand, and saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from vocab.encoder.vectors import SentenceEncoder, Track, untracked
from vocab.normalisers.base import make_normaliser
from vocab.normalisers.tokens import tabulate
from vocab.sememes import Ints, ItemSememes
from vocab.text import Titles, as_strings
from vocab.unseen.file import read, write
from vocab.unseen.report import UnseenReport, report_on
from vocab.unseen.settings import UnseenSettings
from vocab.unseen.steps import Link, Links, steps
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, eq=False)
class UnseenMap:
    """What the words of a target stand for that the vocabulary lacks. Build one with `build`.

    Attributes:
        vocabulary: the q anchors; it remembers the lemmas of the titles that the map was built for.
        links: word -> anchors with weights; an empty tuple for a word that found none.
        settings: how it was built.
        encoder: name of the sentence encoder that was used, or None.
    """

    vocabulary: SememeVocabulary
    links: Links
    settings: UnseenSettings
    encoder: str | None = None

    @classmethod
    def build(
        cls,
        vocabulary: SememeVocabulary,
        titles: Titles,
        settings: UnseenSettings | None = None,
        encoder: SentenceEncoder | None = None,
        track: Track = untracked,
    ) -> UnseenMap:
        """Find anchors for the words of (I,) titles that have none; words too common to be anchors get none.

        Args:
            vocabulary: the anchors.
            titles: of the target.
            settings: which steps.
            encoder: of the step by vectors, which is left out without one.
            track: shows the encoder's progress.
        """
        settings = settings or UnseenSettings()
        sememes = read_all(vocabulary, titles)
        unseen = sorted(lemma for lemma in sememes.lemmas if vocabulary.index(lemma) is None)
        links: dict[str, tuple[Link, ...]] = dict.fromkeys(unseen, ())
        # What stands in every title says nothing of an item, as with anchors themselves.
        too_common = vocabulary.settings.too_common
        counts = dict(zip(sememes.lemmas, sememes.item_counts.tolist(), strict=True))
        left = [word for word in unseen if not too_common(counts[word], sememes.n_items)]
        for _, step in steps(vocabulary.words, settings, encoder, track, english=vocabulary.language == "english"):
            found = step(left) if left else {}
            links.update(found)
            left = [word for word in left if word not in found]
        remembering = vocabulary.remembering(sememes.lemma_of)
        return cls(remembering, MappingProxyType(links), settings, encoder.name if encoder else None)

    def apply(self, titles: Titles) -> csr_matrix:
        """(I, q) float32 CSR: 1.0 for an anchor in the title, a link's weight for one that stands for a word.

        Several words of a title may stand for one anchor; their weights add up to 1.0 at most.
        """
        sememes = read_all(self.vocabulary, titles)
        items, ids = sememes.pairs
        ones = np.ones(len(items), np.float32)
        present = csr_matrix((ones, (items, ids)), shape=(sememes.n_items, len(sememes.lemmas)))
        anchors: csr_matrix = (present @ self._anchors_of(sememes.lemmas)).tocsr()
        np.minimum(anchors.data, 1.0, out=anchors.data)
        anchors.sort_indices()
        return anchors

    def report(self, titles: Titles) -> UnseenReport:
        """Count what each step does for (I,) titles."""
        sememes = read_all(self.vocabulary, titles)
        step_of = [
            "anchor" if self.vocabulary.index(lemma) is not None else _step(self.links.get(lemma, ()))
            for lemma in sememes.lemmas
        ]
        return report_on(sememes, step_of)

    def explain(self, word: str) -> str:
        """Say in words what becomes of a word, as it stands in a title."""
        lemmas = read_all(self.vocabulary, [word]).lemmas
        return "\n".join(self._explain_lemma(lemma) for lemma in lemmas) or f"{word}: holds no word"

    def edited(self, changes: Links) -> UnseenMap:
        """Replace the links of some words."""
        return replace(self, links=MappingProxyType({**self.links, **changes}))

    def save(self, path: str | Path) -> None:
        """Write JSON with one word a line, to be read and edited by hand."""
        write(Path(path), self.links, self.settings, self.encoder)

    @classmethod
    def load(cls, path: str | Path, vocabulary: SememeVocabulary) -> UnseenMap:
        """Read what `save` wrote, with whatever a person changed in it.

        Raises:
            InputError: the file is missing or damaged, or names an anchor that the vocabulary lacks.
        """
        return cls(vocabulary, *read(Path(path), vocabulary))

    def _anchors_of(self, lemmas: tuple[str, ...]) -> csr_matrix:
        """(len(lemmas), q) float32: what each sememe contributes to an item."""
        entries = [(row, index, weight) for row, lemma in enumerate(lemmas) for index, weight in self._weights(lemma)]
        rows, columns, weights = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(lemmas), len(self.vocabulary))
        return csr_matrix((np.array(weights, np.float32), (rows, columns)), shape=shape)

    def _weights(self, lemma: str) -> list[tuple[int, float]]:
        own = self.vocabulary.index(lemma)
        if own is not None:
            return [(own, 1.0)]
        indices = ((self.vocabulary.index(link.anchor), link.weight) for link in self.links.get(lemma, ()))
        return [(index, weight) for index, weight in indices if index is not None]

    def _explain_lemma(self, lemma: str) -> str:
        own = self.vocabulary.index(lemma)
        if own is not None:
            return f"{lemma}: an anchor itself, in {self.vocabulary.item_counts[own]:,} items that the vocabulary is of"
        if lemma not in self.links:
            return f"{lemma}: never met, no anchor"
        found = ", ".join(f"{link.anchor} {link.weight:.2f} ({link.step})" for link in self.links[lemma])
        return f"{lemma}: {found or 'no anchor is near'}"


def read_all(vocabulary: SememeVocabulary, titles: Titles) -> ItemSememes:
    """Turn (I,) titles into sememes; a title of nothing but stop words and numbers ("Up", "300") keeps them."""
    texts = as_strings(titles)
    sememes = vocabulary.read(texts)
    silent = np.setdiff1d(np.arange(len(texts)), sememes.rows)
    if not len(silent):
        return sememes
    lenient = vocabulary.settings.normaliser.model_copy(
        update={
            "min_length": 1,
            "drop_numbers": False,
            "drop_sizes": False,
            "stop_words": "none",
            "extra_stop_words": (),
        }
    )
    table = tabulate(texts.take(pa.array(silent)), make_normaliser(lenient, vocabulary.language), lenient)
    # Their words stay as they are: a lemmatiser knows nothing about numbers and makes "us" a plural.
    raw = ItemSememes(tuple(table.surfaces.to_pylist()), table.rows, table.ids, table.n_titles, {})
    return _merged(sememes, raw, silent)


def _merged(first: ItemSememes, second: ItemSememes, rows: Ints) -> ItemSememes:
    """Add the sememes of some titles, whose rows are given, to those of all titles."""
    lemmas = tuple(dict.fromkeys((*first.lemmas, *second.lemmas)))
    position = {lemma: index for index, lemma in enumerate(lemmas)}
    ids = np.array([position[lemma] for lemma in second.lemmas], dtype=np.int64)[second.ids]
    all_rows = np.concatenate((first.rows, rows[second.rows]))
    order = np.argsort(all_rows, kind="stable")
    return replace(first, lemmas=lemmas, rows=all_rows[order], ids=np.concatenate((first.ids, ids))[order])


def _step(links: tuple[Link, ...]) -> str | None:
    return links[0].step if links else None
