"""Clean texts and split them into words, in Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from domains.errors import DataError
from domains.raw_cells import MARKUP, unescaped

# Combining marks belong to words (Hindi vowels are marks). The underscore joins the parts of one word, as in
# WordNet's video_game, so that categories and collocations stay one word.
NOT_A_WORD = r"[^\p{L}\p{M}\p{N}_]+"
# Soft hyphens, joiners, variation selectors and the Arabic tatweel only change how a word is drawn. NFKC would turn
# ™ and ℠ into letters at the end of the word.
_NO_PART = r"[\x{2120}\x{2122}\x{AD}\x{640}\x{200D}\x{2060}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]"

Titles: TypeAlias = "Sequence[str] | pa.Array | pa.ChunkedArray"


def as_strings(titles: Titles) -> pa.Array:
    """Convert titles to (I,) large_string; missing titles become empty.

    Raises:
        InputError: a title is not text.
    """
    try:
        array = titles if isinstance(titles, (pa.Array, pa.ChunkedArray)) else pa.array(list(titles), pa.large_string())
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        return pc.fill_null(array.cast(pa.large_string()), "")
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError) as error:
        raise DataError(f"titles must be text ({error})", location="titles", code="titles") from error


def cleaned(titles: pa.Array) -> pa.Array:
    """Clean (I,) texts: remove markup and HTML entities, apply NFKC, lower-case.

    Invisible characters and trade mark signs are removed.
    """
    shown = pc.replace_substring_regex(_unescaped(titles), _NO_PART, "")
    plain = pc.replace_substring_regex(shown, MARKUP, " ")
    return pc.utf8_lower(pc.utf8_normalize(plain, form="NFKC"))


def split_words(texts: pa.Array) -> pa.Array:
    """Split cleaned texts into words, runs of letters, marks, digits and underscores: (I,) large_list.

    Apostrophes and hyphens separate words. The list may hold an empty word at the edge of a text.
    """
    return pc.split_pattern_regex(texts, NOT_A_WORD).cast(pa.large_list(pa.large_string()))


def _unescaped(titles: pa.Array) -> pa.Array:
    """Resolve HTML entities. Only titles with an ampersand are handled in Python."""
    suspects = pc.match_substring(titles, "&")
    if not pc.any(suspects).as_py():
        return titles
    resolved = [unescaped(title) for title in titles.filter(suspects).to_pylist()]
    return pc.replace_with_mask(titles, suspects, pa.array(resolved, pa.large_string()))
