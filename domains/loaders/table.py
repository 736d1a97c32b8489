"""Any two tables of one's own: CSV, TSV, Parquet, JSON Lines or Arrow, with a column mapping."""

from __future__ import annotations

from pathlib import PurePath

import polars as pl
from pydantic import Field

from domains.loaders.columns import category_lists, find_column
from domains.loaders.paths import InputPath
from domains.loaders.registry import Loader
from domains.loaders.scanning import scan
from domains.raw import RawTables
from domains.settings import ColumnMapping, Settings


class TableOptions(Settings):
    """Two files and what their columns are called."""

    interactions: InputPath = Field(
        description="Who did what when: a file, a glob, a folder of Parquet files or a URL."
    )
    items: InputPath = Field(description="What the items are called: the same kinds of source.")
    columns: ColumnMapping = Field(
        default_factory=ColumnMapping, description="Names of the columns in these files."
    )
    category_separator: str = Field(
        default="|", description="What separates categories that stand in one text."
    )
    separator: str | None = Field(
        default=None, description="Delimiter of CSV files; default: found in the first line."
    )


def load(options: TableOptions) -> RawTables:
    """Scan both files and map their columns; nothing but the heads is read yet."""
    columns = options.columns
    interactions = scan(options.interactions, separator=options.separator)
    items = scan(options.items, separator=options.separator)
    acts, things = interactions.collect_schema().names(), items.collect_schema().names()
    time = find_column("time", columns.time, acts, options.interactions, required=columns.time is not None)
    chosen = {
        "user_id": find_column("user", columns.user, acts, options.interactions),
        "item_id": find_column("item", columns.item, acts, options.interactions),
        "timestamp": time,
    }
    described = {
        "item_id": find_column("item", columns.item, things, options.items),
        "title": find_column("title", columns.title, things, options.items),
        "categories": find_column(
            "categories", columns.categories, things, options.items, required=columns.categories is not None
        ),
    }
    return RawTables(
        interactions.select(pl.col(there).alias(ours) for ours, there in chosen.items() if there is not None),
        category_lists(
            items.select(pl.col(there).alias(ours) for ours, there in described.items() if there is not None),
            options.category_separator,
        ),
        PurePath(options.interactions).stem.split(".")[0] or "table",
        None,
        options.interactions,
        options.items,
    )


LOADER = Loader(
    "table", "your own CSV, TSV, Parquet, JSON Lines or Arrow files", TableOptions, load, "interactions"
)
