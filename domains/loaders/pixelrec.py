"""PixelRec: an interaction CSV (`item_id,user_id,timestamp`) and an item CSV with `title` and `tag`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import select_texts
from domains.io.paths import InputPath
from domains.io.scan import scan
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings


class PixelRecOptions(Settings):
    """One of its sizes; the item file of that size or of all."""

    interactions: InputPath = Field(description="Such as Pixel200K.csv of the interaction folder.")
    items: InputPath = Field(description="Such as Pixel200K.csv or item_info.csv of the item information folder.")


def load(options: PixelRecOptions) -> RawTables:
    """Scan both files."""
    interactions = scan(options.interactions)
    tags = pl.concat_list(pl.col("tag")).list.drop_nulls().alias("categories")
    things = scan(options.items)
    texts = {"description": "description"} if "description" in (types := things.collect_schema()) else {}
    items = things.select("item_id", "title", tags, *select_texts(texts, types))
    name = Path(options.interactions).name.split(".")[0]
    return RawTables(
        interactions=interactions,
        items=items,
        name=name,
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=options.interactions,
        items_location=options.items,
    )


LOADER = Loader("pixelrec", "PixelRec: interaction and item CSV", PixelRecOptions, load, "interactions")
