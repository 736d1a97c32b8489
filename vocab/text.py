"""Titles as text: clean them, cut them into words, choose which text an item speaks with; all in Arrow."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domains.errors import InputError
from vocab.settings import TextSource

# Combining marks belong to words (Hindi vowels are marks). The underscore joins a word of several parts, as
# in WordNet's own video_game, so that categories and collocations survive as one word.
NOT_A_WORD = r"[^\p{L}\p{M}\p{N}_]+"
# Soft hyphens, joiners, variation selectors and the Arabic tatweel say how a word is drawn, not which word it is; ™ and
# ℠, which NFKC writes as letters at the end of it, say whose word.
_NO_PART = r"[\x{2120}\x{2122}\x{AD}\x{640}\x{200D}\x{2060}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]"
_MARKUP = r"</?[A-Za-z][^<>]*>"

Titles: TypeAlias = "Sequence[str] | pa.Array | pa.ChunkedArray"


def as_strings(titles: Titles) -> pa.Array:
    """(I,) large_string of any sequence of titles; a missing title is the empty one.

    Raises:
        InputError: where something in it is no text.
    """
    try:
        array = titles if isinstance(titles, (pa.Array, pa.ChunkedArray)) else pa.array(list(titles), pa.large_string())
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        return pc.fill_null(array.cast(pa.large_string()), "")
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError) as error:
        raise InputError(f"titles must be text ({error})", location="titles") from error


def cleaned(titles: pa.Array) -> pa.Array:
    """(I,) large_string without markup and HTML entities, compatibility forms unified (NFKC), lower case.

    Signs that show nothing, and those of trade marks, are left out.
    """
    shown = pc.replace_substring_regex(_unescaped(titles), _NO_PART, "")
    plain = pc.replace_substring_regex(shown, _MARKUP, " ")
    return pc.utf8_lower(pc.utf8_normalize(plain, form="NFKC"))


def split_words(texts: pa.Array) -> pa.Array:
    """(I,) large_list of the words of cleaned texts: runs of letters, marks, digits and underscores.

    What an apostrophe or a hyphen separates are words of their own; an edge of a text can leave an empty
    word.
    """
    return pc.split_pattern_regex(texts, NOT_A_WORD).cast(pa.large_list(pa.large_string()))


def item_texts(titles: Titles, categories: pa.Array | None, source: TextSource) -> pa.Array:
    """(I,) large_string, the text that a domain's items speak with.

    Args:
        titles: (I,) the titles.
        categories: (I,) lists of category names, or None where the domain has none. A category of several
            words becomes one word: "Video Games" is ``video_games``.
        source: which of them to take.

    Raises:
        InputError: categories are asked for and there are none.
    """
    if source == "titles":
        return as_strings(titles)
    if categories is None:
        raise InputError(
            "the domain has no categories to take sememes from",
            location="vocabulary.source",
            hint="Set it to 'titles', or map the category column of the items",
        )
    names = cleaned(as_strings(pc.list_flatten(categories)))
    joined = pc.utf8_trim(pc.replace_substring_regex(names, NOT_A_WORD, "_"), "_")
    lengths = pc.fill_null(pc.list_value_length(categories), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int64())
    space = pa.scalar(" ", pa.large_string())
    own = pc.binary_join(pa.LargeListArray.from_arrays(offsets, joined), space)
    if source == "categories":
        return own
    return pc.binary_join_element_wise(as_strings(titles), own, space)


def _unescaped(titles: pa.Array) -> pa.Array:
    """HTML entities resolved; Python only sees the distinct titles that hold an ampersand."""
    suspects = pc.match_substring(titles, "&")
    if not pc.any(suspects).as_py():
        return titles
    resolved = [html.unescape(title) for title in titles.filter(suspects).to_pylist()]
    return pc.replace_with_mask(titles, suspects, pa.array(resolved, pa.large_string()))
