"""Turn titles into sememes (words that pass the filters, as lemmas), and count the items that hold each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vocab.normalisers.normaliser import Normaliser
from vocab.settings import NormaliserSettings
from vocab.text import Titles, as_strings

_HAS_LETTER = r"\p{L}"
_NUMBER_IN_DISGUISE = r"^\p{N}+(s|st|nd|rd|th)$"
_UNITS = (
    "mm|cm|dm|m|km|qm|in|inch|inches|ft|yd|mg|g|gr|kg|lb|lbs|oz|ml|cl|dl|l|lt|ltr|gal|mah|ah|v|volt|w|watt|kw|kwh|hz|"
    "khz|mhz|ghz|kb|mb|gb|tb|mp|dpi|rpm|psi|bar|p|x|er|tlg|pcs|pc|pack|pk|ct|count|stk|st|stück|teilig|min|hrs|hr|h"
)
# 30m, 10x15cm, 2er; xs to xxxl and 3xl.
_SIZE = rf"^\p{{N}}+(x\p{{N}}+)*({_UNITS})$|^\p{{N}}+(x\p{{N}}+)+$|^(x{{1,4}}|\p{{N}}x)[sl]$"
_SHORT_SCRIPTS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"


@dataclass(frozen=True, eq=False)
class TokenTable:
    """Surface forms of titles.

    Attributes:
        surfaces: (S,) large_string, distinct, in order of first appearance.
        rows: (N,) int64, ascending, the title of each token.
        ids: (N,) int64, the surface form of each token, in the order of the title.
        n_titles: I.
    """

    surfaces: pa.Array
    rows: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    n_titles: int


def tabulate(titles: pa.Array, normaliser: Normaliser, settings: NormaliserSettings) -> TokenTable:
    """Tokenise (I,) large_string titles and filter the words by the settings."""
    lists = normaliser.tokens(titles)
    encoded = pc.list_flatten(lists).dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    ids = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    keep = keep_words(encoded.dictionary, normaliser, settings)
    new_ids = np.cumsum(keep) - 1
    kept = keep[ids]
    return TokenTable(encoded.dictionary.filter(pa.array(keep)), rows[kept], new_ids[ids[kept]], len(titles))


def keep_words(words: pa.Array, normaliser: Normaliser, settings: NormaliserSettings) -> npt.NDArray[np.bool_]:
    """Return which words to keep, (S,) bool: long enough, and not a number, size or stop word."""
    long_enough = pc.or_(
        pc.greater_equal(pc.utf8_length(words), settings.min_length),
        pc.match_substring_regex(words, _SHORT_SCRIPTS),
    )
    keep = pc.and_(long_enough, pc.not_equal(words, ""))
    if settings.drop_numbers:
        lettered = pc.match_substring_regex(words, _HAS_LETTER)
        numeric = pc.match_substring_regex(words, _NUMBER_IN_DISGUISE)
        keep = pc.and_(keep, pc.and_not(lettered, numeric))
    if settings.drop_sizes:
        keep = pc.and_not(keep, pc.match_substring_regex(words, _SIZE))
    excluded = {*settings.extra_stop_words, *_as_words(settings.extra_stop_words, normaliser)}
    if settings.stop_words == "builtin":
        excluded |= normaliser.stop_words
    if excluded:
        listed = pc.is_in(words, value_set=pa.array(sorted(excluded), pa.large_string()))
        keep = pc.and_not(keep, listed)
    mask: npt.NDArray[np.bool_] = keep.to_numpy(zero_copy_only=False)
    return mask


def _as_words(written: tuple[str, ...], normaliser: Normaliser) -> list[str]:
    """Normalise stop words as written in titles. Entries that split into several words are dropped."""
    if not written:
        return []
    cut = normaliser.tokens(pa.array(written, pa.large_string())).to_pylist()
    words = [[word for word in parts if word] for parts in cut]
    return [parts[0] for parts in words if len(parts) == 1]


Lemmas = Mapping[str, str | None]
"""Surface form -> lemma; None if the lemma is filtered out."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
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
    return ItemSememes(lemmas=lemmas, rows=table.rows[kept], ids=ids[kept], n_items=table.n_titles, lemma_of=lemma_of)


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
