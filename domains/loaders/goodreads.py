"""Goodreads (UCSD Book Graph): interactions with written dates and books, both JSON lines."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.find_file import find_file
from domains.io.paths import InputPath
from domains.io.scan import scan_json_lines
from domains.loaders.registry import Loader
from domains.raw import RawTables
from domains.settings import Settings

INTERACTIONS = ("goodreads_interactions_*.json", "goodreads_interactions*.json", "goodreads_reviews_*.json")
BOOKS = ("goodreads_books_*.json", "goodreads_books.json")


class GoodreadsOptions(Settings):
    """Interactions and books, of all or of one genre."""

    folder: InputPath | None = Field(default=None, description="Folder with both files, found by name.")
    interactions: InputPath | None = Field(default=None, description="goodreads_interactions_*.json.gz or reviews.")
    books: InputPath | None = Field(default=None, description="goodreads_books_*.json.gz.")
    date: Literal["date_added", "date_updated", "read_at", "started_at"] = Field(
        default="date_added", description="Which date orders the history; the last two are often empty."
    )


def load(options: GoodreadsOptions) -> RawTables:
    """Scan both files; the most used shelves are no categories, for they name plans (`to-read`), not subjects."""
    folder = options.folder or ""
    acts = options.interactions or find_file(folder, INTERACTIONS, "interactions")
    books = options.books or find_file(folder, BOOKS, "books")
    interactions = scan_json_lines(acts, ("user_id", "book_id", options.date, "rating")).rename(
        {"book_id": "item_id", options.date: "timestamp"}
    )
    items = scan_json_lines(books, ("book_id", "title")).select(pl.col("book_id").alias("item_id"), "title")
    return RawTables(interactions, items, "goodreads", TimeKind.TIMESTAMP, acts, books)


LOADER = Loader("goodreads", "Goodreads (UCSD Book Graph), JSON lines", GoodreadsOptions, load, "folder")
