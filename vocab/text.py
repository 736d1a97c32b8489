"""Texts: clean them and cut them into words; all in Arrow."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from domains.errors import InputError

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


def _unescaped(titles: pa.Array) -> pa.Array:
    """HTML entities resolved; Python only sees the distinct titles that hold an ampersand."""
    suspects = pc.match_substring(titles, "&")
    if not pc.any(suspects).as_py():
        return titles
    resolved = [html.unescape(title) for title in titles.filter(suspects).to_pylist()]
    return pc.replace_with_mask(titles, suspects, pa.array(resolved, pa.large_string()))
