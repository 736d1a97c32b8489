"""The result of a loader: two lazy tables and what it knows about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from domains.domain import TimeKind

TEXT = "text:"
"""What stands before the name of a text field in the name of its column."""


@dataclass(frozen=True, eq=False)
class RawTables:
    """Interactions and items of one domain as the files hold them, unfiltered.

    Attributes:
        interactions: ``user_id``, ``item_id`` (any type that identifies), ``timestamp`` (numbers, text, dates or
            datetimes; may be absent if only the order of the rows is known), and whatever else the file holds, by
            which `keep` may choose rows.
        items: ``item_id``, ``title`` and optionally ``categories`` (list of strings) and ``text:NAME`` for each further
            text field, of any type (see `domains.text_fields`).
        name: suggested name of the domain.
        time_kind: what the times are, where the format says so; None lets the values decide.
        interactions_location: file or address of the interactions, for messages.
        items_location: the same of the items.
        notes: what the loader noticed, a sentence each.
    """

    interactions: pl.LazyFrame
    items: pl.LazyFrame
    name: str
    time_kind: TimeKind | None = None
    interactions_location: str = "interactions"
    items_location: str = "items"
    notes: tuple[str, ...] = ()


def text_columns(names: Iterable[str]) -> list[str]:
    """The columns that hold text fields."""
    return [name for name in names if name.startswith(TEXT)]
