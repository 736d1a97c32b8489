"""Yelp: `yelp_academic_dataset_review.json` and `..._business.json`, JSON lines."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import split_list
from domains.io.paths import InputPath, find_file
from domains.io.scan import scan_json_lines
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings


class YelpOptions(Settings):
    """Folder of the data set."""

    folder: InputPath = Field(description="Folder with yelp_academic_dataset_review.json and ..._business.json.")


def load(options: YelpOptions) -> RawTables:
    """Scan both files."""
    reviews = find_file(options.folder, ("yelp_academic_dataset_review.json",), "reviews")
    places = find_file(options.folder, ("yelp_academic_dataset_business.json",), "businesses")
    interactions = scan_json_lines(reviews, ("user_id", "business_id", "date", "stars")).rename(
        {"business_id": "item_id", "date": "timestamp"}
    )
    items = scan_json_lines(places, ("business_id", "name", "categories")).select(
        pl.col("business_id").alias("item_id"), pl.col("name").alias("title"), split_list("categories", ",")
    )
    return RawTables(
        interactions=interactions,
        items=items,
        name="yelp",
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=reviews,
        items_location=places,
    )


LOADER = Loader("yelp", "Yelp reviews and businesses, JSON lines", YelpOptions, load, "folder")
