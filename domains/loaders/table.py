"""Any two tables of one's own: CSV, TSV, Parquet, JSON Lines or Arrow, with a column mapping."""

from __future__ import annotations

from pathlib import PurePath

import polars as pl
from pydantic import Field

from domains.io.columns import map_interactions, map_items
from domains.io.paths import InputPath
from domains.io.scan import scan
from domains.loaders.registry import Loader
from domains.raw import RawTables
from domains.settings import ColumnMapping, Settings


class TableOptions(Settings):
    """Two files and what their columns are called."""

    interactions: InputPath = Field(
        description="Who did what when: a file, a glob, a folder of files of one kind or a URL."
    )
    items: InputPath = Field(description="What the items are called: the same kinds of source.")
    columns: ColumnMapping = Field(default_factory=ColumnMapping, description="Names of the columns in these files.")
    category_separator: str = Field(default="|", description="What separates categories that stand in one text.")
    separator: str | None = Field(default=None, description="Delimiter of CSV files; default: found in the first line.")
    encoding: str = Field(default="utf-8", description="Encoding of CSV files, such as latin-1 or utf-16.")


def load(options: TableOptions) -> RawTables:
    """Scan both files and map their columns; nothing but the heads is read yet."""
    columns = options.columns
    interactions = _scan(options.interactions, options)
    items = _scan(options.items, options)
    return RawTables(
        map_interactions(interactions, columns, options.interactions),
        map_items(items, columns, options.category_separator, options.items),
        PurePath(options.interactions).stem.split(".")[0] or "table",
        None,
        options.interactions,
        options.items,
    )


def _scan(source: str, options: TableOptions) -> pl.LazyFrame:
    return scan(source, separator=options.separator, encoding=options.encoding)


LOADER = Loader("table", "your own CSV, TSV, Parquet, JSON Lines or Arrow files", TableOptions, load, "interactions")
