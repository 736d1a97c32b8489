"""Amazon reviews, edition of 2018 (Ni, Li, McAuley): JSON lines, or ratings only as CSV."""

from __future__ import annotations

import polars as pl

from domains.domain import TimeKind
from domains.io.scan import scan_json_lines
from domains.io.titles import json_list
from domains.loaders.amazon import AmazonOptions, category_name, headless_csv, is_csv, two_files
from domains.loaders.registry import Loader
from domains.raw import RawTables
from domains.text_columns import text_field

PAGE_SCRIPT = "getTime"
"""Some titles of this edition are pieces of the page's script; all of those call this function."""

PAGE_OF = r"^Visit Amazon's | Page$"
"""Around the name of an author in place of the brand."""
BY = r"^by\s+"


def load(options: AmazonOptions) -> RawTables:
    """Scan `Category.json.gz`, `Category_5.json.gz` or `Category.csv` (item, user, rating, time), and metadata."""
    reviews, metadata = two_files(options, ("*_5.json", "*.json", "*.csv"))
    if is_csv(reviews):
        interactions = headless_csv(reviews, ["item_id", "user_id", "rating", "timestamp"])
    else:
        interactions = scan_json_lines(reviews, ("reviewerID", "asin", "unixReviewTime", "overall")).rename(
            {"reviewerID": "user_id", "asin": "item_id", "unixReviewTime": "timestamp"}
        )
    title = pl.when(pl.col("title").str.contains(PAGE_SCRIPT, literal=True)).then(None).otherwise(pl.col("title"))
    items = scan_json_lines(metadata, ("asin", "title", "category", "brand", "description", "feature")).select(
        pl.col("asin").alias("item_id"),
        title.alias("title"),
        json_list("category").alias("categories"),
        text_field("brand", pl.col("brand").str.replace_all(PAGE_OF, "").str.replace(BY, ""), pl.String),
        text_field("description", json_list("description")),
        text_field("features", json_list("feature")),
    )
    return RawTables(interactions, items, category_name(metadata), TimeKind.TIMESTAMP, reviews, metadata)


LOADER = Loader("amazon2018", "Amazon reviews 2018: JSON lines or ratings CSV", AmazonOptions, load, "folder")
