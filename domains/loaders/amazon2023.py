"""Amazon reviews, edition of 2023 (Hou and others): local files, or the published ones through `datasets`."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field, model_validator

from domains.domain import TimeKind
from domains.io.hub import load_table
from domains.io.scan import scan, scan_json_lines
from domains.io.titles import json_list
from domains.loaders.amazon import AmazonOptions, category_name, is_csv, two_files
from domains.loaders.registry import Loader
from domains.raw import RawTables
from domains.text_columns import select_texts, text_field

HUB = "hf://datasets/McAuley-Lab/Amazon-Reviews-2023"
TEXTS = {"store": "brand", "description": "description", "features": "features"}
"""Column of the metadata -> text field."""
Subset = Literal[
    "raw_review",
    "0core_rating_only",
    "5core_rating_only",
    "0core_last_out",
    "5core_last_out",
    "0core_timestamp",
    "5core_timestamp",
]


class Amazon2023Options(AmazonOptions):
    """Local files as in the other editions, or a category by name."""

    category: str | None = Field(default=None, description="Category to fetch through `datasets`, such as All_Beauty.")
    subset: Subset = Field(
        default="raw_review",
        description="What to fetch: all reviews, or a published core; the parts of a split are joined again.",
    )
    root: str = Field(default=HUB, description="Address or folder that holds the published layout.")

    @model_validator(mode="after")
    def _complete(self) -> Amazon2023Options:
        if self.category is None and self.folder is None and (self.reviews is None or self.metadata is None):
            raise ValueError("give a category to fetch, a folder, or both reviews and metadata")
        return self


def load(options: Amazon2023Options) -> RawTables:
    """Scan `Category.jsonl.gz` (or rating CSVs, also a glob of the parts of a split) and `meta_Category.jsonl.gz`."""
    if options.category is not None:
        return _published(options, options.category)
    reviews, metadata = two_files(options, ("*.jsonl", "*.csv"))
    fields = ("user_id", "parent_asin", "timestamp", "rating")
    interactions = scan(reviews) if is_csv(reviews) else scan_json_lines(reviews, fields)
    items = scan_json_lines(metadata, ("parent_asin", "title", "categories", *TEXTS)).select(
        "parent_asin",
        "title",
        json_list("categories"),
        text_field("brand", pl.col("store"), pl.String),
        text_field("description", json_list("description")),
        text_field("features", json_list("features")),
    )
    return _tables(interactions, items, category_name(metadata), reviews, metadata)


def _published(options: Amazon2023Options, category: str) -> RawTables:
    core, _, form = options.subset.partition("_")
    if options.subset == "raw_review":
        kind, files = "json", [f"{options.root}/raw/review_categories/{category}.jsonl"]
    elif form == "rating_only":
        kind, files = "csv", [f"{options.root}/benchmark/{core}/{form}/{category}.csv"]
    else:
        parts = ("train", "valid", "test")
        kind, files = (
            "csv",
            [f"{options.root}/benchmark/{core}/{form}/{category}.{part}.csv" for part in parts],
        )
    metadata = f"{options.root}/raw_meta_{category}/*.parquet"
    interactions = load_table(kind, data_files=files)
    published = load_table("parquet", data_files=[metadata])
    types = published.collect_schema()
    texts = {TEXTS[name]: name for name in TEXTS if name in types}
    items = published.select("parent_asin", "title", "categories", *select_texts(texts, types))
    return _tables(interactions, items, category, files[0], metadata)


def _tables(interactions: pl.LazyFrame, items: pl.LazyFrame, name: str, location: str, items_place: str) -> RawTables:
    ours = {"parent_asin": "item_id"}
    return RawTables(interactions.rename(ours), items.rename(ours), name, TimeKind.TIMESTAMP, location, items_place)


LOADER = Loader(
    "amazon2023",
    "Amazon reviews 2023: local JSON lines or CSV, or by category through datasets",
    Amazon2023Options,
    load,
    "folder",
)
