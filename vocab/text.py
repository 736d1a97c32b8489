"""Item texts: clean them, cut them into words, choose the fields that anchors are taken from; all in Arrow."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domains.errors import InputError
from domains.nearest import suggest
from vocab.settings import DEFAULT_FIELDS

# Combining marks belong to words (Hindi vowels are marks). The underscore joins a word of several parts, as
# in WordNet's own video_game, so that categories and collocations survive as one word.
NOT_A_WORD = r"[^\p{L}\p{M}\p{N}_]+"
# Soft hyphens, joiners, variation selectors and the Arabic tatweel say how a word is drawn, not which word it is; ™ and
# ℠, which NFKC writes as letters at the end of it, say whose word.
_NO_PART = r"[\x{2120}\x{2122}\x{AD}\x{640}\x{200D}\x{2060}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]"
_MARKUP = r"</?[A-Za-z][^<>]*>"

PROSE = frozenset({"title", "description", "abstract", "features"})
"""Fields that are read word by word."""
LONGEST_NAME = 8
"""Words of a name that becomes one word."""
_SPACE = pa.scalar(" ", pa.large_string())

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


def item_texts(fields: Mapping[str, Titles], wanted: Sequence[str]) -> pa.Array:
    """(I,) large_string, the words that the anchors of a domain's items are taken from.

    Titles and prose (`PROSE`) are read word by word. A value of another field is a name and becomes one word: the
    category "Video Games" is ``video_games``. Names of more than `LONGEST_NAME` words are read word by word too.

    Args:
        fields: name -> (I,) strings or lists of strings (`domains.domain.Domain.fields`).
        wanted: names of the fields to take, in this order; a field that the domain lacks gives nothing.

    Raises:
        InputError: the domain has none of them.
    """
    there = [name for name in wanted if name in fields]
    if not there:
        raise InputError(
            f"the items have no {' and no '.join(wanted)} to take anchors from",
            location="vocabulary.fields",
            hint=f"Set it to some of {', '.join(fields)}, or map more columns of the items",
        )
    texts = [_words_of(name, fields[name]) for name in there]
    return texts[0] if len(texts) == 1 else pc.utf8_trim(pc.binary_join_element_wise(*texts, _SPACE), " ")


def check_fields(wanted: Sequence[str], there: Collection[str]) -> None:
    """Refuse a field that no domain has, unless it is one of `DEFAULT_FIELDS`.

    Args:
        wanted: `VocabularySettings.fields`.
        there: names of the fields of all domains.

    Raises:
        InputError: a field is missing.
    """
    for name in wanted:
        if name not in there and name not in DEFAULT_FIELDS:
            raise InputError(
                f"no domain has a field {name!r}",
                location="vocabulary.fields",
                hint=f"{suggest(name, there)}Fields: {', '.join(sorted(there))}; others are mapped by columns.text",
            )


def joined_values(values: Titles, separator: str) -> pa.Array:
    """(I,) large_string of strings or lists of strings; the values of a list are joined by the separator."""
    if not _holds_lists(values):
        return as_strings(values)
    filled = pa.LargeListArray.from_arrays(_offsets(values), as_strings(pc.list_flatten(values)))
    return pc.binary_join(filled, pa.scalar(separator, pa.large_string()))


def _words_of(name: str, values: Titles) -> pa.Array:
    """(I,) large_string of one field."""
    if name in PROSE or not _holds_lists(values):
        return joined_values(values, " ")
    names = cleaned(as_strings(pc.list_flatten(values)))
    joined = pc.utf8_trim(pc.replace_substring_regex(names, NOT_A_WORD, "_"), "_")
    short = pc.less(pc.count_substring(joined, "_"), LONGEST_NAME)
    words = pc.if_else(short, joined, names)
    return pc.binary_join(pa.LargeListArray.from_arrays(_offsets(values), words), _SPACE)


def _holds_lists(values: Titles) -> bool:
    return isinstance(values, (pa.Array, pa.ChunkedArray)) and not (
        pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    )


def _offsets(lists: pa.Array) -> pa.Array:
    """(I + 1,) int64 of lists that may be null or sliced, as they lie in their flattened values."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int64())


def _unescaped(titles: pa.Array) -> pa.Array:
    """HTML entities resolved; Python only sees the distinct titles that hold an ampersand."""
    suspects = pc.match_substring(titles, "&")
    if not pc.any(suspects).as_py():
        return titles
    resolved = [html.unescape(title) for title in titles.filter(suspects).to_pylist()]
    return pc.replace_with_mask(titles, suspects, pa.array(resolved, pa.large_string()))
