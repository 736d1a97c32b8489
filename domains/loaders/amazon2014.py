"""Amazon reviews, edition of 2014 (McAuley): strict or 5-core reviews, metadata as Python literals."""

from __future__ import annotations

from itertools import chain
from typing import Any

import polars as pl

from domains.domain import TimeKind
from domains.io.batches import PolarsType
from domains.io.literals import scan_literals
from domains.io.scan import scan_json_lines
from domains.loaders.amazon import AmazonOptions, category_name, headless_csv, is_csv, two_files
from domains.loaders.registry import Loader
from domains.raw import TEXT, RawTables
from domains.text_columns import LONGEST_TEXT


def load(options: AmazonOptions) -> RawTables:
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
    items = scan_literals(metadata, schema, _pick)
    return RawTables(interactions, items, category_name(metadata), TimeKind.TIMESTAMP, reviews, metadata)


def _pick(record: dict[str, Any]) -> dict[str, Any]:
    """Id, title, the categories of all paths, each once, brand and description."""
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


LOADER = Loader(
    "amazon2014",
    "Amazon reviews 2014: JSON lines or ratings CSV, metadata as Python literals",
    AmazonOptions,
    load,
    "folder",
)
