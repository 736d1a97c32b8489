"""The two small domains that are bundled with the project."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Literal

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import text_field
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings

TIME_KINDS = {"books": TimeKind.ORDER, "films": TimeKind.TIMESTAMP}


class BundledOptions(Settings):
    """Name of the domain."""

    dataset: Literal["books", "films"] = Field(description="'books' (Goodreads ratings) or 'films' (MovieTweetings).")


def load(options: BundledOptions) -> RawTables:
    """Read the Parquet files from the package; works from a wheel and from a zip."""
    folder = files("domains") / "bundled" / options.dataset
    with (
        as_file(folder / "interactions.parquet") as interactions_file,
        as_file(folder / "items.parquet") as items_file,
    ):
        interactions = pl.read_parquet(interactions_file).lazy()
        items = pl.read_parquet(items_file).lazy()
    if "categories" in items.collect_schema():
        items = items.with_columns(pl.col("categories").str.split("|"))
    if "authors" in items.collect_schema():
        items = items.with_columns(text_field("authors", pl.col("authors").str.split("|"))).drop("authors")
    return RawTables(
        interactions=interactions,
        items=items,
        name=options.dataset,
        time_kind=TIME_KINDS[options.dataset],
        interactions_location=f"bundled {options.dataset}, interactions",
        items_location=f"bundled {options.dataset}, items",
    )


LOADER = Loader("bundled", "books and films that come with the project", BundledOptions, load, "dataset")
