"""What a loader hands over: two lazy tables and what it knows about them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from domains.domain import TimeKind


@dataclass(frozen=True, eq=False)
class RawTables:
    """Interactions and items of one domain as they stand in the files, nothing filtered.

    Attributes:
        interactions: ``user_id``, ``item_id`` (any type that identifies), ``timestamp`` (numbers, text, dates or
            datetimes; may be absent if only the order of the rows is known), and whatever else the file holds, by
            which `keep` may choose rows.
        items: ``item_id``, ``title`` and optionally ``categories`` (list of strings).
        name: suggested name of the domain.
        time_kind: what the times are, where the format says so; None lets the values decide.
        interactions_place: file or address of the interactions, for messages.
        items_place: the same of the items.
        notes: what the loader noticed, a sentence each.
    """

    interactions: pl.LazyFrame
    items: pl.LazyFrame
    name: str
    time_kind: TimeKind | None = None
    interactions_place: str = "interactions"
    items_place: str = "items"
    notes: tuple[str, ...] = ()
