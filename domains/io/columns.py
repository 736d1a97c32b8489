"""Finding columns by their name or by one of its well-known aliases."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from domains.errors import InputError
from domains.io.collect import schema_of
from domains.io.titles import split_list
from domains.nearest import suggest
from domains.settings import ColumnMapping

ITEM_NAMES = (
    "item_id", "itemid", "item", "iid", "parent_asin", "asin", "movieid", "movie_id", "book_id", "bookid",
    "isbn", "product_id", "productid", "article_id", "news_id", "sku", "business_id",
)  # fmt: skip
ALIASES: dict[str, tuple[str, ...]] = {
    "user": (
        "user_id", "userid", "user", "uid", "reviewerid", "customer_id", "customerid", "visitor_id", "account_id",
        "session_id",
    ),
    "item": ITEM_NAMES,
    "item_key": (*ITEM_NAMES, "id"),
    "time": (
        "timestamp", "time", "ts", "unixreviewtime", "datetime", "date", "event_time", "created_at", "review_time",
    ),
    "title": (
        "title", "item_title", "name", "item_name", "product_title", "product_name", "movie_title", "book_title",
        "headline",
    ),
    "categories": ("categories", "category", "genres", "genre", "tags", "class"),
}  # fmt: skip
"""Known names, compared without case, blanks, hyphens and type suffixes (``user_id:token``); the first one wins."""


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
        raise InputError(
            f"no column {given!r}",
            location=location,
            hint=f"{suggest(given, there)}Set columns.{role} to one of: {_listed(there)}{_delimiter_hint(there)}",
        )
    by_plain = {_plain(name): name for name in reversed(there)}
    for alias in ALIASES[role]:
        if alias in by_plain:
            return by_plain[alias]
    if not required:
        return None
    raise InputError(
        f"no column looks like the {role.replace('_', ' ')}",
        location=location,
        hint=f"Set columns.{role} to one of: {_listed(there)}{_delimiter_hint(there)}",
    )


def map_interactions(table: pl.LazyFrame, columns: ColumnMapping, location: str) -> pl.LazyFrame:
    """Add the columns of interactions under their own names; a table without times keeps the order of its rows.

    The other columns stay, for `keep` may ask for them.

    Raises:
        InputError: a column is not there.
    """
    there = list(schema_of(table, location))
    found = {
        "user_id": find_column("user", columns.user, there, location),
        "item_id": find_column("item", columns.item, there, location),
        "timestamp": find_column("time", columns.time, there, location, required=columns.time is not None),
    }
    return table.with_columns(pl.col(theirs).alias(ours) for ours, theirs in found.items() if theirs is not None)


def map_items(table: pl.LazyFrame, columns: ColumnMapping, separator: str, location: str) -> pl.LazyFrame:
    """Rename the columns of a table of items; categories that are text are split at the separator.

    Raises:
        InputError: a column is not there, or titles are lists or records.
    """
    types = schema_of(table, location)
    there = list(types)
    found = {
        "item_id": find_column("item_key", columns.item_key or columns.item, there, location),
        "title": find_column("title", columns.title, there, location),
        "categories": find_column(
            "categories", columns.categories, there, location, required=columns.categories is not None
        ),
    }
    title = str(found["title"])
    if types[title].is_nested():
        raise InputError(
            f"column {title!r} of type {types[title]} cannot be the title",
            location=location,
            hint="Make it text, or map another column",
        )
    items = table.select(pl.col(theirs).alias(ours) for ours, theirs in found.items() if theirs is not None)
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


def _plain(name: str) -> str:
    return name.split(":")[0].strip().lower().replace(" ", "_").replace("-", "_")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _delimiter_hint(there: Sequence[str]) -> str:
    """Say so where a single column that holds delimiters was read with the wrong one."""
    if len(there) == 1 and any(sign in there[0] for sign in ",;\t|"):
        return "; or set separator, for the whole line was read as one column"
    return ""
