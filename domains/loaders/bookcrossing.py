"""Book-Crossing: `BX-Book-Ratings.csv` and `BX-Books.csv` (Latin-1, semicolons, backslashes before quotes)."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import text_field
from domains.io.paths import InputPath, find_file
from domains.io.scan import LINE, scan_lines
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings


class BookCrossingOptions(Settings):
    """Folder of the data set."""

    folder: InputPath = Field(description="Folder with BX-Book-Ratings.csv and BX-Books.csv.")


def load(options: BookCrossingOptions) -> RawTables:
    """Scan both files. There are no times; the order of the rows replaces them, but means little."""
    ratings = find_file(options.folder, ("BX-Book-Ratings.csv", "BX_Book_Ratings.csv"), "ratings")
    books = find_file(options.folder, ("BX-Books.csv", "BX_Books.csv"), "books")
    interactions = _scan(ratings, ("user_id", "item_id")).with_row_index("timestamp")
    items = _scan(books, ("item_id", "title", "author", "year", "publisher")).select(
        "item_id",
        "title",
        text_field("authors", pl.col("author"), pl.String),
        text_field("publisher", pl.col("publisher"), pl.String),
    )
    # Some books are listed twice, with the letter of the ISBN in both cases.
    isbn = pl.col("item_id").str.to_uppercase()
    return RawTables(
        interactions=interactions.with_columns(isbn),
        items=items.with_columns(isbn),
        name="bookcrossing",
        time_kind=TimeKind.ORDER,
        interactions_location=ratings,
        items_location=books,
    )


def _scan(path: str, names: tuple[str, ...]) -> pl.LazyFrame:
    """Take the first fields of each line after the header.

    Every field is quoted, and quotes in a field are escaped by a backslash, which CSV readers do not expect. Fields are
    split at `";"`, because titles contain semicolons.
    """
    fields = (
        pl.col(LINE).str.strip_prefix('"').str.split_exact('";"', len(names)).struct.rename_fields([*names, "rest"])
    )
    table = scan_lines(path, encoding="latin-1").slice(1).filter(pl.col(LINE) != "").select(fields.alias("fields"))
    text = pl.col(*names[1:]).str.replace_all('\\"', '"', literal=True)
    # Resolve &amp; first: names are separated by semicolons, which also end entities.
    return table.unnest("fields").select(names[0], text.str.replace_all("&amp;", "&", literal=True))


LOADER = Loader(
    "bookcrossing", "Book-Crossing: BX-Book-Ratings.csv and BX-Books.csv", BookCrossingOptions, load, "folder"
)
