"""Parse the template of an item's text: ``{title} by {authors}. {categories}``."""

from __future__ import annotations

from string import Formatter

DEFAULT_TEMPLATE = "{title} by {authors|brand|developer}. {categories}"


def parse_template(template: str) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], str]:
    """Split a template into (text before a field, names of the field) pairs and the text after the last field.

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
