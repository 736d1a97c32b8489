"""Amazon reviews in the editions of 2014 (McAuley), 2018 (Ni, Li, McAuley) and 2023 (Hou and others).

2014: strict or 5-core reviews, metadata as Python literals. 2018: JSON lines, or ratings only as CSV. 2023: local
files, or the published ones through `datasets`.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import Field, model_validator

from domains.domain import TimeKind
from domains.io.columns import LONGEST_TEXT, json_list, select_texts, text_field
from domains.io.compressed import within_budget
from domains.io.literals import scan_literals
from domains.io.paths import InputPath, expand, find_file
from domains.io.remote import load_table
from domains.io.scan import PolarsType, scan, scan_json_lines
from domains.loaders.loader import Loader
from domains.raw_tables import TEXT, RawTables
from domains.settings import Settings

PAGE_SCRIPT = "getTime"
"""Some titles of 2018 are parts of the page's script; all of them call this function."""

PAGE_OF = r"^Visit Amazon's | Page$"
"""Text of 2018 around the name of an author in the field of the brand."""
BY = r"^by\s+"
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


class AmazonOptions(Settings):
    """Reviews (or ratings only) and metadata of one category."""

    folder: InputPath | None = Field(default=None, description="Folder with the files of one category, found by name.")
    reviews: InputPath | None = Field(default=None, description="Reviews as JSON lines, or ratings only as CSV.")
    metadata: InputPath | None = Field(default=None, description="Metadata of the same category.")

    @model_validator(mode="after")
    def _complete(self) -> AmazonOptions:
        if self.folder is None and (self.reviews is None or self.metadata is None):
            raise ValueError("give a folder, or both reviews and metadata")
        return self


def two_files(options: AmazonOptions, review_patterns: tuple[str, ...]) -> tuple[str, str]:
    """Return the files of reviews and metadata; those not named are found in the folder."""
    folder = options.folder or ""
    reviews = options.reviews or find_file(folder, review_patterns, "reviews", excluding="meta_")
    metadata = options.metadata or find_file(folder, ("meta_*.json", "meta_*.jsonl"), "metadata")
    return reviews, metadata


def is_csv(file: str) -> bool:
    """Whether the reviews are ratings only."""
    return ".csv" in Path(file).suffixes


def category_name(file: str) -> str:
    """Return the category of a file: ``meta_Toys_and_Games.json.gz`` -> ``Toys_and_Games``."""
    return Path(file).name.split(".")[0].removeprefix("meta_")


def headless_csv(file: str, names: list[str]) -> pl.LazyFrame:
    """Scan a CSV without a header; all columns are text."""
    return pl.scan_csv(within_budget(expand(file)), has_header=False, new_columns=names, infer_schema=False, glob=False)


def load_2014(options: AmazonOptions) -> RawTables:
    """Scan `reviews_*.json.gz` or `ratings_*.csv` (user, item, rating, time) and `meta_*.json.gz`."""
    reviews, metadata = two_files(options, ("reviews_*.json", "ratings_*.csv"))
    if is_csv(reviews):
        interactions = headless_csv(reviews, ["user_id", "item_id", "rating", "timestamp"])
    else:
        interactions = scan_json_lines(reviews, ("reviewerID", "asin", "unixReviewTime", "overall")).rename(
            {"reviewerID": "user_id", "asin": "item_id", "unixReviewTime": "timestamp"}
        )
    schema: dict[str, PolarsType] = {
        "item_id": pl.String,
        "title": pl.String,
        "categories": pl.List(pl.String),
        f"{TEXT}brand": pl.String,
        f"{TEXT}description": pl.String,
    }
    items = scan_literals(metadata, schema, _pick_2014)
    return _of_category(interactions, items, reviews, metadata)


def _of_category(interactions: pl.LazyFrame, items: pl.LazyFrame, reviews: str, metadata: str) -> RawTables:
    """Return the tables of a category, which its metadata file names."""
    return RawTables(
        interactions=interactions,
        items=items,
        name=category_name(metadata),
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=reviews,
        items_location=metadata,
    )


def _pick_2014(record: dict[str, Any]) -> dict[str, Any]:
    """Return id, title, distinct categories of all paths, brand and description."""
    paths = record.get("categories") or []
    categories = list(dict.fromkeys(chain.from_iterable(paths)))
    description = record.get("description")
    return {
        "item_id": record.get("asin"),
        "title": record.get("title"),
        "categories": categories,
        f"{TEXT}brand": record.get("brand"),
        f"{TEXT}description": description[: LONGEST_TEXT + 1] if isinstance(description, str) else None,
    }


def load_2018(options: AmazonOptions) -> RawTables:
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
    return _of_category(interactions, items, reviews, metadata)


class Amazon2023Options(AmazonOptions):
    """Local files as in the other editions, or a category by name."""

    category: str | None = Field(default=None, description="Category to fetch through `datasets`, such as All_Beauty.")
    subset: Subset = Field(
        default="raw_review",
        description="All reviews, or a published core; the parts of a split are joined again.",
    )
    root: str = Field(default=HUB, description="Address or folder that holds the published layout.")

    @model_validator(mode="after")
    def _complete(self) -> Amazon2023Options:
        if self.category is None and self.folder is None and (self.reviews is None or self.metadata is None):
            raise ValueError("give a category to fetch, a folder, or both reviews and metadata")
        return self


def load_2023(options: Amazon2023Options) -> RawTables:
    """Scan `Category.jsonl.gz` (or rating CSVs, also a glob of the parts of a split) and `meta_Category.jsonl.gz`."""
    if options.category is not None:
        return _published_2023(options, options.category)
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
    return _tables_2023(interactions, items, category_name(metadata), reviews, metadata)


def _published_2023(options: Amazon2023Options, category: str) -> RawTables:
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
    return _tables_2023(interactions, items, category, files[0], metadata)


def _tables_2023(
    interactions: pl.LazyFrame, items: pl.LazyFrame, name: str, location: str, items_location: str
) -> RawTables:
    ours = {"parent_asin": "item_id"}
    return RawTables(
        interactions=interactions.rename(ours),
        items=items.rename(ours),
        name=name,
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=location,
        items_location=items_location,
    )


AMAZON_2014 = Loader(
    "amazon2014",
    "Amazon reviews 2014: JSON lines or ratings CSV, metadata as Python literals",
    AmazonOptions,
    load_2014,
    "folder",
)
AMAZON_2018 = Loader("amazon2018", "Amazon reviews 2018: JSON lines or ratings CSV", AmazonOptions, load_2018, "folder")
AMAZON_2023 = Loader(
    "amazon2023",
    "Amazon reviews 2023: local JSON lines or CSV, or by category through datasets",
    Amazon2023Options,
    load_2023,
    "folder",
)
