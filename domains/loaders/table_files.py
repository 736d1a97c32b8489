"""The user's own two tables: CSV, TSV, Parquet, JSON Lines or Arrow, with a column mapping."""

from __future__ import annotations

from pathlib import PurePath

import polars as pl
from pydantic import Field

from domains.errors import Problems
from domains.io.columns import map_interactions, map_items
from domains.io.head import Header
from domains.io.own_tables import one_item_per_row, scan_own
from domains.io.paths import InputPath
from domains.io.quoting import Quoting
from domains.io.scan import reading_notes
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import ColumnMapping, Settings


class TableOptions(Settings):
    """Two files and the names of their columns."""

    interactions: InputPath = Field(
        description="The interactions: a file, a glob, a folder of files of one kind or an address."
    )
    items: InputPath = Field(description="The items and their titles: the same kinds of source.")
    columns: ColumnMapping = Field(default_factory=ColumnMapping, description="Names of the columns in these files.")
    category_separator: str = Field(default="|", description="Separator of categories in one text.")
    separator: str | None = Field(default=None, description="Delimiter of CSV files; default: found in the first line.")
    encoding: str = Field(default="utf-8", description="Encoding of CSV files, such as latin-1 or utf-16.")
    items_encoding: str | None = Field(
        default=None, description="Encoding of the items, if it is not that of the interactions."
    )
    header: Header = Field(
        default="auto",
        description="Whether the first line of CSV files names the columns ('first'), or there is no such line and the "
        "columns are called column_1, column_2, ... ('none'); detected by default, with lines before the header.",
    )
    quoting: Quoting = Field(
        default="auto",
        description="Whether quote marks in CSV files quote fields ('double') or are part of the text ('none'); "
        "detected by default.",
    )


def load(options: TableOptions) -> RawTables:
    """Scan both files and map their columns. Reads only the beginnings, and checks quote marks."""
    problems = Problems()
    acts, things = options.interactions, options.items
    interactions = items = None
    of_items = options.items_encoding or options.encoding
    with problems.catch():
        interactions = map_interactions(scan_table(acts, options, options.encoding), options.columns, acts)
        interactions = one_item_per_row(interactions, "item_id", acts)
    with problems.catch():
        items = map_items(scan_table(things, options, of_items), options.columns, options.category_separator, things)
    problems.check()
    assert interactions is not None
    assert items is not None
    name = PurePath(acts).stem.split(".")[0] or "table"
    notes = [
        note
        for file, encoding in {acts: options.encoding, things: of_items}.items()
        for note in reading_notes(file, options.separator, encoding, options.quoting, options.header)
    ]
    return RawTables(
        interactions=interactions,
        items=items,
        name=name,
        time_kind=None,
        interactions_location=acts,
        items_location=things,
        notes=tuple(notes),
    )


def scan_table(source: str, options: TableOptions, encoding: str) -> pl.LazyFrame:
    """Scan one of the user's files."""
    return scan_own(
        source,
        separator=options.separator,
        encoding=encoding,
        quoting=options.quoting,
        header=options.header,
        user=options.columns.user,
        item=options.columns.item,
    )


LOADER = Loader("table", "your own CSV, TSV, Parquet, JSON Lines or Arrow files", TableOptions, load, "interactions")
