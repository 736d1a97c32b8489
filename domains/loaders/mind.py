"""MIND (Microsoft News): `behaviors.tsv` and `news.tsv`, without headers, of one or several unpacked parts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import text_field
from domains.io.paths import InputPath, expand_pattern, find_file
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings

BEHAVIOURS = ("impression", "user_id", "timestamp", "history", "impressions")
NEWS = (
    "item_id",
    "category",
    "subcategory",
    "title",
    "abstract",
    "url",
    "title_entities",
    "abstract_entities",
)


class MindOptions(Settings):
    """Unpacked parts, and the clicks to use."""

    folder: InputPath = Field(description="Folder with behaviors.tsv and news.tsv, or a glob such as MINDsmall_*.")
    clicks: Literal["impressions", "all"] = Field(
        default="impressions",
        description="'impressions': clicks with a time. 'all': the earlier history of each user before them; it has "
        "no times, so all times become an order.",
    )


def load(options: MindOptions) -> RawTables:
    """Scan all parts."""
    folders = [str(folder) for folder in expand_pattern(options.folder)] or [options.folder]
    acts = [find_file(folder, ("behaviors.tsv",), "behaviours") for folder in folders]
    news = [find_file(folder, ("news.tsv",), "news") for folder in folders]
    behaviours = _scan(acts, BEHAVIOURS)
    items = _scan(news, NEWS).select(
        "item_id",
        "title",
        pl.concat_list("category", "subcategory").alias("categories"),
        text_field("abstract", pl.col("abstract"), pl.String),
    )
    clicks = _clicks(behaviours)
    if options.clicks == "all":
        clicks = pl.concat([_history(behaviours), clicks])
    kind = TimeKind.TIMESTAMP if options.clicks == "impressions" else TimeKind.ORDER
    # Several parts contain the same news.
    return RawTables(
        interactions=clicks,
        items=items.unique("item_id", maintain_order=True),
        name=Path(folders[0]).name,
        time_kind=kind,
        interactions_location=acts[0],
        items_location=news[0],
    )


def _clicks(behaviours: pl.LazyFrame) -> pl.LazyFrame:
    """Return the clicked impressions: in `N1-0 N2-1`, those that end in 1. Times are US dates in UTC."""
    shown = behaviours.select("user_id", "timestamp", pl.col("impressions").str.split(" ").alias("item_id")).explode(
        "item_id"
    )
    seconds = pl.col("timestamp").str.to_datetime("%m/%d/%Y %I:%M:%S %p", strict=False).dt.epoch("s")
    clicked = shown.filter(pl.col("item_id").str.ends_with("-1"))
    return clicked.select("user_id", pl.col("item_id").str.strip_suffix("-1"), seconds.alias("timestamp"))


def _history(behaviours: pl.LazyFrame) -> pl.LazyFrame:
    """Return each user's history once (all rows of a user repeat it); positions are its times, before all real ones."""
    once = behaviours.filter(pl.col("history").is_not_null()).unique("user_id", keep="first", maintain_order=True)
    items = once.select("user_id", pl.col("history").str.split(" ").alias("item_id"))
    places = items.with_columns(pl.int_ranges(0, pl.col("item_id").list.len(), dtype=pl.Int64).alias("timestamp"))
    return places.explode("item_id", "timestamp").select("user_id", "item_id", "timestamp")


def _scan(files: list[str], names: tuple[str, ...]) -> pl.LazyFrame:
    return pl.scan_csv(
        files,
        separator="\t",
        has_header=False,
        new_columns=list(names),
        quote_char=None,
        infer_schema=False,
        glob=False,
    )


LOADER = Loader("mind", "MIND: behaviors.tsv and news.tsv", MindOptions, load, "folder")
