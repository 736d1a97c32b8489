"""Goodreads (UCSD Book Graph): interactions with written dates and books, both JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import text_field
from domains.io.paths import InputPath, find_file
from domains.io.scan import scan_json_lines
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings

INTERACTIONS = ("goodreads_interactions_*.json", "goodreads_interactions*.json", "goodreads_reviews_*.json")
MOST_SHELVES = 10
PLANS = (
    r"^(?:to-?read|want|wish|read(?:ing)?$|currently|own|my-|favou?rite|default|library|kindle|e-?book|audio|books?$|"
    r"did-not|dnf|abandoned|finished|.*(?:owned|to-read|to-buy|\d{4}.*))"
)
"""Shelves that name plans or possessions of a reader, not a subject."""
BOOKS = ("goodreads_books_*.json", "goodreads_books.json")


class GoodreadsOptions(Settings):
    """Interactions and books, of all or of one genre."""

    folder: InputPath | None = Field(default=None, description="Folder with both files, found by name.")
    interactions: InputPath | None = Field(default=None, description="goodreads_interactions_*.json.gz or reviews.")
    books: InputPath | None = Field(default=None, description="goodreads_books_*.json.gz.")
    authors: InputPath | None = Field(
        default=None, description="goodreads_book_authors.json.gz, for names; default: found beside the books."
    )
    date: Literal["date_added", "date_updated", "read_at", "started_at"] = Field(
        default="date_added", description="Which date orders the history; the last two are often empty."
    )


def load(options: GoodreadsOptions) -> RawTables:
    """Scan the files. Shelves are not used as categories, because the most used ones name plans (`to-read`)."""
    folder = options.folder or ""
    acts = options.interactions or find_file(folder, INTERACTIONS, "interactions")
    books = options.books or find_file(folder, BOOKS, "books")
    interactions = scan_json_lines(acts, ("user_id", "book_id", options.date, "rating")).rename(
        {"book_id": "item_id", options.date: "timestamp"}
    )
    items = scan_json_lines(books, ("book_id", "title", "description", "authors", "popular_shelves")).select(
        pl.col("book_id").alias("item_id"),
        "title",
        text_field("description", pl.col("description"), pl.String),
        text_field("shelves", _shelves()),
        pl.col("authors").str.extract_all(r'"author_id":\s*"\d+"').list.eval(pl.element().str.extract(r"(\d+)")),
    )
    names = options.authors or _beside(books)
    return RawTables(
        interactions=interactions,
        items=_with_authors(items, names),
        name="goodreads",
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=acts,
        items_location=books,
    )


def _beside(books: str) -> str | None:
    """Return the file of authors in the folder of the books, or None."""
    found = sorted(Path(books).parent.glob("goodreads_book_authors.json*"))
    return str(found[0]) if found else None


def _shelves() -> pl.Expr:
    """Return the most used shelves that name a subject."""
    names = pl.col("popular_shelves").str.extract_all(r'"name":\s*"[^"]*"')
    name = pl.element().str.extract(r':\s*"([^"]*)"')
    return names.list.eval(name.filter(~name.str.contains(PLANS))).list.head(MOST_SHELVES)


def _with_authors(items: pl.LazyFrame, file: str | None) -> pl.LazyFrame:
    """Replace the authors' ids by names; without the file, drop them."""
    if file is None:
        return items.drop("authors")
    names = scan_json_lines(file, ("author_id", "name"))
    written = items.select("item_id", pl.col("authors").alias("author_id")).explode("author_id").drop_nulls()
    named = written.join(names, on="author_id", maintain_order="left").group_by("item_id", maintain_order=True)
    return items.drop("authors").join(
        named.agg(text_field("authors", pl.col("name"), pl.String)), on="item_id", how="left", maintain_order="left"
    )


LOADER = Loader("goodreads", "Goodreads (UCSD Book Graph), JSON lines", GoodreadsOptions, load, "folder")
