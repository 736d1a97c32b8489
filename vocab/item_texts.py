"""Build one text per item from its fields: the words for anchors, and the sentence for the encoder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domains.domain import PROSE
from domains.errors import SettingsError, suggest
from vocab.encoder.settings import parse_template
from vocab.settings import DEFAULT_FIELDS
from vocab.text import NOT_A_WORD, Titles, as_strings, cleaned

LONGEST_NAME = 8
"""Words of a name that becomes one word."""


def item_texts(fields: Mapping[str, Titles], wanted: Sequence[str]) -> pa.Array:
    """Build the (I,) large_string texts that anchors are taken from.

    Titles and prose (`PROSE`) are split into words. A value of any other field becomes one word: the category
    "Video Games" is ``video_games``. Names longer than `LONGEST_NAME` words are split too.

    Args:
        fields: name -> (I,) strings or lists of strings (`domains.domain.Domain.fields`).
        wanted: names of the fields, in this order; fields that the domain lacks are ignored.

    Raises:
        InputError: the domain has none of them.
    """
    there = [name for name in wanted if name in fields]
    if not there:
        raise SettingsError(
            f"the items have no {' and no '.join(wanted)} to take anchors from",
            location="vocabulary.fields",
            hint=f"Set it to some of {', '.join(fields)}, or map more columns of the items",
            code="fields",
        )
    texts = [_words_of(name, fields[name]) for name in there]
    return texts[0] if len(texts) == 1 else pc.utf8_trim(pc.binary_join_element_wise(*texts, _space()), " ")


def check_fields(wanted: Sequence[str], there: Collection[str], key: str = "vocabulary.fields") -> None:
    """Raise if no domain has a wanted field. `DEFAULT_FIELDS` may be missing.

    Args:
        wanted: names of fields.
        there: names of the fields of all domains.
        key: setting that names them, for the message.

    Raises:
        InputError: a field is missing.
    """
    for name in wanted:
        if name not in there and name not in DEFAULT_FIELDS:
            raise SettingsError(
                f"no domain has a field {name!r}",
                location=key,
                hint=f"{suggest(name, there)}Fields: {', '.join(sorted(there))}; others are mapped by columns.text",
                code="fields",
            )


def fill_template(template: str, fields: Mapping[str, Titles], longest: int) -> pa.Array:
    """Fill in the template for each item: (I,) large_string.

    An empty field is left out together with the text before it. The first field present has no text before it.

    Args:
        template: see `parse_template`; missing fields count as empty.
        fields: name -> (I,) strings or lists of strings; the values of a list are joined by commas.
        longest: maximum number of characters; longer texts are cut.
    """
    parts, ending = parse_template(template)
    empty = pa.scalar("", pa.large_string())
    result = pa.array([""] * len(next(iter(fields.values()))), pa.large_string())
    for place, (literal, names) in enumerate(parts):
        value = pa.array([""] * len(result), pa.large_string())
        for name in names:
            if name in fields:
                found = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(_joined_values(fields[name], ", "), 0, longest))
                value = pc.if_else(pc.equal(value, empty), found, value)
        begun = pc.not_equal(result, empty) if place else pa.scalar(value=True)
        before = pc.if_else(pc.and_(begun, pc.not_equal(value, empty)), literal, empty)
        result = pc.binary_join_element_wise(result, before, value, empty)
    ended = pc.if_else(pc.not_equal(result, empty), ending, empty)
    return pc.utf8_slice_codeunits(pc.binary_join_element_wise(result, ended, empty), 0, longest)


def _joined_values(values: Titles, separator: str) -> pa.Array:
    """Convert strings or lists of strings to (I,) large_string; the separator joins the values of a list."""
    if not _holds_lists(values):
        return as_strings(values)
    filled = pa.LargeListArray.from_arrays(_offsets(values), as_strings(pc.list_flatten(values)))
    return pc.binary_join(filled, pa.scalar(separator, pa.large_string()))


def _words_of(name: str, values: Titles) -> pa.Array:
    """(I,) large_string of one field."""
    if name in PROSE or not _holds_lists(values):
        return _joined_values(values, " ")
    names = cleaned(as_strings(pc.list_flatten(values)))
    joined = pc.utf8_trim(pc.replace_substring_regex(names, NOT_A_WORD, "_"), "_")
    short = pc.less(pc.count_substring(joined, "_"), LONGEST_NAME)
    words = pc.if_else(short, joined, names)
    return pc.binary_join(pa.LargeListArray.from_arrays(_offsets(values), words), _space())


def _space() -> pa.Scalar:
    return pa.scalar(" ", pa.large_string())  # not a constant: the first conversion of a Python value imports pandas


def _holds_lists(values: Titles) -> bool:
    return isinstance(values, (pa.Array, pa.ChunkedArray)) and not (
        pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    )


def _offsets(lists: pa.Array) -> pa.Array:
    """(I + 1,) int64 offsets into the flattened values of lists that may be null or sliced."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int64())
