"""Turn titles into sememes (tokens to lemmas), and count the items that hold each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vocab.normalisers.base import Normaliser
from vocab.normalisers.tokens import keep_words, tabulate
from vocab.settings import NormaliserSettings
from vocab.text import Titles, as_strings

Lemmas = Mapping[str, str | None]
"""Surface form -> lemma; None if the lemma is filtered out."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ItemSememes:
    """Sememes of titles, in word order.

    Attributes:
        lemmas: distinct sememes.
        rows: (N,) int64, ascending, the title of each sememe.
        ids: (N,) int64, position in `lemmas`; a title may repeat one.
        n_items: I.
        lemma_of: surface form -> lemma of every word in these titles.
    """

    lemmas: tuple[str, ...]
    rows: Ints
    ids: Ints
    n_items: int
    lemma_of: Lemmas

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """Distinct (item, sememe) pairs as two (M,) int64 arrays, ordered by item, then by sememe."""
        width = max(len(self.lemmas), 1)
        keys = np.unique(self.rows * width + self.ids)
        return keys // width, keys % width

    @cached_property
    def item_counts(self) -> Ints:
        """(len(lemmas),) int64, number of items that hold each sememe."""
        return np.bincount(self.pairs[1], minlength=len(self.lemmas)).astype(np.int64)


def read_sememes(titles: Titles, normaliser: Normaliser, settings: NormaliserSettings, known: Lemmas) -> ItemSememes:
    """Turn (I,) titles into sememes. Only words missing from `known` are lemmatised."""
    table = tabulate(as_strings(titles), normaliser, settings)
    surfaces: list[str] = table.surfaces.to_pylist()
    lemma_of = _lemmas_of(surfaces, np.bincount(table.ids, minlength=len(surfaces)), normaliser, settings, known)
    lemmas = tuple(dict.fromkeys(lemma for lemma in lemma_of.values() if lemma is not None))
    position = {lemma: index for index, lemma in enumerate(lemmas)}
    id_of_surface = np.array([position.get(lemma_of[surface] or "", -1) for surface in surfaces], dtype=np.int64)
    ids = id_of_surface[table.ids]
    kept = ids >= 0
    return ItemSememes(lemmas, table.rows[kept], ids[kept], table.n_titles, lemma_of)


def _lemmas_of(
    surfaces: list[str], uses: Ints, normaliser: Normaliser, settings: NormaliserSettings, known: Lemmas
) -> dict[str, str | None]:
    """Return the lemma of each surface form. Lemmas must pass the same filters as surface forms."""
    unseen = [surface for surface in surfaces if surface not in known]
    found = normaliser.lemmas(unseen)
    if unseen and getattr(normaliser, "stems", False):
        found = _readable(found, surfaces, uses, normaliser, known)
    passes = keep_words(pa.array(found, pa.large_string()), normaliser, settings)
    new = {
        surface: lemma if keep else None for surface, lemma, keep in zip(unseen, found, passes.tolist(), strict=True)
    }
    return {surface: known[surface] if surface in known else new[surface] for surface in surfaces}


def _readable(stems: list[str], surfaces: list[str], uses: Ints, normaliser: Normaliser, known: Lemmas) -> list[str]:
    """Replace each stem by a word with that stem: one of `known`, else the most frequent word in these titles."""
    shown = sorted({lemma for lemma in known.values() if lemma is not None})
    word_of = dict(zip(normaliser.lemmas(shown), shown, strict=True))
    ranked = sorted(zip((-uses).tolist(), surfaces, strict=True))
    unseen = [surface for _, surface in ranked if surface not in known]
    for surface, stem in zip(unseen, normaliser.lemmas(unseen), strict=True):
        word_of.setdefault(stem, surface)
    return [word_of[stem] for stem in stems]
