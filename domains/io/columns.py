"""Find columns by their names or usual aliases, and map them to roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from domains.errors import DataError
from domains.io.collect import schema_of
from domains.io.column_names import ALIASES
from domains.io.titles import split_list
from domains.names import plain_name
from domains.nearest import suggest
from domains.problems import Problems
from domains.settings import ColumnMapping
from domains.text_columns import find_text_columns, select_texts


def find_column(
    role: str, given: str | None, there: Sequence[str], location: object, *, required: bool = True
) -> str | None:
    """Return the name of the column that plays a role.

    Args:
        role: a key of `ALIASES`.
        given: the name that the user gave, or None to look among the aliases.
        there: the columns of the file.
        location: the file, for messages.
        required: whether its absence is an error; None is returned otherwise.

    Raises:
        InputError: the column is required and is not there.
    """
    if given is not None:
        if given in there:
            return given
        raise DataError(
            f"no column {given!r}",
            location=location,
            hint=f"{suggest(given, there)}Set columns.{role} to one of: {_listed(there)}{_delimiter_hint(there)}",
            code="column",
        )
    by_plain = {plain_name(name): name for name in reversed(there)}
    for alias in ALIASES[role]:
        if alias in by_plain:
            return by_plain[alias]
    if not required:
        return None
    raise DataError(
        f"no column looks like the {role.replace('_', ' ')}",
        location=location,
        hint=f"Set columns.{role} to one of: {_listed(there)}{_delimiter_hint(there)}",
        code="column",
    )


def map_interactions(table: pl.LazyFrame, columns: ColumnMapping, location: str) -> pl.LazyFrame:
    """Add the columns of interactions under their own names; a table without times keeps the order of its rows.

    The other columns stay, for `keep` may ask for them.

    Raises:
        InputError: a column is not there.
    """
    there = list(schema_of(table, location))
    problems = Problems()
    found: dict[str, str | None] = {}
    for ours, role, given in (("user_id", "user", columns.user), ("item_id", "item", columns.item)):
        with problems.catch():
            found[ours] = find_column(role, given, there, location)
    with problems.catch():
        found["timestamp"] = find_column("time", columns.time, there, location, required=columns.time is not None)
    problems.check()
    return table.with_columns(pl.col(theirs).alias(ours) for ours, theirs in found.items() if theirs is not None)


def map_items(table: pl.LazyFrame, columns: ColumnMapping, separator: str, location: str) -> pl.LazyFrame:
    """Rename the columns of a table of items; categories that are text are split at the separator.

    Raises:
        InputError: a column is not there, or titles are lists or records.
    """
    types = schema_of(table, location)
    there = list(types)
    problems = Problems()
    found: dict[str, str | None] = {}
    with problems.catch():
        found["item_id"] = find_column("item_key", columns.item_key or columns.item, there, location)
    free = [name for name in there if name != found.get("item_id") or name == columns.title]
    with problems.catch():
        found["title"] = find_column("title", columns.title, free, location)
    with problems.catch():
        given = columns.categories
        found["categories"] = find_column("categories", given, there, location, required=given is not None)
    problems.check()
    title = str(found["title"])
    if types[title].is_nested():
        raise DataError(
            f"column {title!r} of type {types[title]} cannot be the title",
            location=location,
            hint="Make it text, or map another column",
        )
    texts = _text_columns(columns, found, there, location)
    roles = [pl.col(theirs).alias(ours) for ours, theirs in found.items() if theirs is not None]
    items = table.select(*roles, *select_texts(texts, types))
    given = found["categories"]
    if given is None:
        return items
    kind = types[given]
    record = kind.inner if isinstance(kind, pl.List) else None
    if isinstance(record, pl.Struct) and any(field.name == "name" for field in record.fields):
        return items.with_columns(pl.col("categories").list.eval(pl.element().struct.field("name").cast(pl.String)))
    if isinstance(kind, pl.List):
        return items.with_columns(pl.col("categories").cast(pl.List(pl.String)))
    return items.with_columns(pl.col("categories").cast(pl.String)).with_columns(split_list("categories", separator))


def _text_columns(
    columns: ColumnMapping, found: Mapping[str, str | None], there: Sequence[str], location: str
) -> Mapping[str, str]:
    """Text field -> column, as the user says or by the usual names."""
    if columns.text is None:
        who = find_column("user", columns.user, there, location, required=False) if columns.user in there else None
        return find_text_columns(there, {*found.values(), columns.user, who})
    for column in columns.text.values():
        find_column("text", column, there, location)
    return columns.text


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _delimiter_hint(there: Sequence[str]) -> str:
    """Say so where a single column that holds delimiters was read with the wrong one."""
    if len(there) == 1 and any(sign in there[0] for sign in ",;\t|"):
        return "; or set separator, for the whole line was read as one column"
    return ""
