"""goodbooks-10k: `ratings.csv` (sorted by time, without times) and `books.csv`."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import text_field
from domains.io.paths import InputPath, find_file
from domains.io.scan import scan
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings


class GoodbooksOptions(Settings):
    """Folder of the data set."""

    folder: InputPath = Field(description="Folder with ratings.csv and books.csv.")


def load(options: GoodbooksOptions) -> RawTables:
    """Scan both files; the position of a row is its time."""
    ratings = find_file(options.folder, ("ratings.csv",), "ratings")
    books = find_file(options.folder, ("books.csv",), "books")
    interactions = scan(ratings).rename({"book_id": "item_id"}).with_row_index("timestamp")
    authors = pl.col("authors").str.split(", ")
    items = scan(books).select(pl.col("book_id").alias("item_id"), "title", text_field("authors", authors))
    return RawTables(
        interactions=interactions,
        items=items,
        name="goodbooks",
        time_kind=TimeKind.ORDER,
        interactions_location=ratings,
        items_location=books,
    )


LOADER = Loader("goodbooks", "goodbooks-10k: ratings.csv and books.csv", GoodbooksOptions, load, "folder")
