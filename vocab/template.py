"""One text an item out of its fields: ``{title} by {authors}. {categories}``, parts left out where they are empty."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

import pyarrow as pa
import pyarrow.compute as pc

from vocab.text import Titles, joined_values

DEFAULT_TEMPLATE = "{title} by {authors|brand|developer}. {categories}"


def parse_template(template: str) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], str]:
    """The parts of a template, each the text before a field and the field's names; and the text behind the last.

    ``{authors|brand}`` is the first of the two that an item has.

    Raises:
        ValueError: braces do not match, or there is no field.
    """
    parts: list[tuple[str, tuple[str, ...]]] = []
    ending = ""
    for literal, field, rule, conversion in Formatter().parse(template):
        if field is None:
            ending = literal
            continue
        names = tuple(name.strip() for name in field.split("|"))
        if not all(names) or rule or conversion:
            raise ValueError("write fields as {title}, or as {authors|brand} for the first that an item has")
        parts.append((literal, names))
    if not parts:
        raise ValueError("name at least one field, such as {title}")
    return tuple(parts), ending


def fill_template(template: str, fields: Mapping[str, Titles], longest: int) -> pa.Array:
    """(I,) large_string, the template filled in for each item.

    The text before a field is left out together with an empty field, and where nothing stands before it.

    Args:
        template: see `parse_template`; fields that are not there are empty.
        fields: name -> (I,) strings or lists of strings; the values of a list are joined by commas.
        longest: characters at which a text is cut.
    """
    parts, ending = parse_template(template)
    empty = pa.scalar("", pa.large_string())
    result = pa.array([""] * len(next(iter(fields.values()))), pa.large_string())
    for place, (literal, names) in enumerate(parts):
        value = pa.array([""] * len(result), pa.large_string())
        for name in names:
            if name in fields:
                found = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(joined_values(fields[name], ", "), 0, longest))
                value = pc.if_else(pc.equal(value, empty), found, value)
        begun = pc.not_equal(result, empty) if place else pa.scalar(value=True)
        before = pc.if_else(pc.and_(begun, pc.not_equal(value, empty)), literal, empty)
        result = pc.binary_join_element_wise(result, before, value, empty)
    ended = pc.if_else(pc.not_equal(result, empty), ending, empty)
    return pc.utf8_slice_codeunits(pc.binary_join_element_wise(result, ended, empty), 0, longest)
