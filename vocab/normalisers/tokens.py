"""Turn titles into a ragged table of surface forms. All filters work on the distinct forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vocab.normalisers.base import Normaliser
from vocab.settings import NormaliserSettings

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
    refused = {*settings.extra_stop_words, *_as_words(settings.extra_stop_words, normaliser)}
    if settings.stop_words == "builtin":
        refused |= normaliser.stop_words
    if refused:
        listed = pc.is_in(words, value_set=pa.array(sorted(refused), pa.large_string()))
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
