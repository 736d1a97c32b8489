"""`RawTables`, the result of a loader: two lazy tables, their locations, and notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

import polars as pl

from domains.domain import TimeKind

TEXT = "text:"
"""Prefix of columns that hold text fields."""


@dataclass(frozen=True, eq=False)
class RawTables:
    """Unfiltered interactions and items of one domain.

    Attributes:
        interactions: ``user_id``, ``item_id`` (text or numbers), ``timestamp`` (numbers, text, dates or datetimes; may
            be absent if only the order of the rows is known), and all other columns, which `keep` can use.
        items: ``item_id``, ``title`` and optionally ``categories`` (list of strings) and ``text:NAME`` for each further
            text field, of any type (see `domains.text_fields`).
        name: suggested name of the domain.
        time_kind: kind of the times if the format defines it; None decides by the values.
        interactions_location: file or address of the interactions, for messages.
        items_location: file or address of the items, for messages.
        notes: sentences for the user.
    """

    interactions: pl.LazyFrame
    items: pl.LazyFrame
    _: KW_ONLY
    name: str
    time_kind: TimeKind | None = None
    interactions_location: str = "interactions"
    items_location: str = "items"
    notes: tuple[str, ...] = ()


def text_columns(names: Iterable[str]) -> list[str]:
    """Return the columns that hold text fields."""
    return [name for name in names if name.startswith(TEXT)]
