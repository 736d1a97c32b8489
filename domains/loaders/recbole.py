"""RecBole atomic files: `.inter` and `.item`, tab-separated with typed headers (`user_id:token`)."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import Field

from domains.io.columns import map_interactions, map_items
from domains.io.expand import expand
from domains.io.find_file import find_file
from domains.io.paths import InputPath
from domains.loaders.registry import Loader
from domains.raw import RawTables
from domains.settings import ColumnMapping, Settings


class RecBoleOptions(Settings):
    """A folder with one data set; columns are named with or without their type."""

    folder: InputPath = Field(description="Folder with NAME.inter and NAME.item.")
    columns: ColumnMapping = Field(
        default_factory=ColumnMapping, description="Names, where they are not the usual ones."
    )
    category_separator: str = Field(default=" ", description="What separates the tokens of a token_seq.")


def load(options: RecBoleOptions) -> RawTables:
    """Scan both files."""
    acts = find_file(options.folder, ("*.inter",), "interactions")
    things = find_file(options.folder, ("*.item",), "items")
    interactions = map_interactions(_scan(acts), options.columns, acts)
    items = map_items(_scan(things), options.columns, options.category_separator, things)
    return RawTables(interactions, items, Path(acts).stem, None, acts, things)


def _scan(path: str) -> pl.LazyFrame:
    """Read all as text, types cut off the names; values are never quoted in this format."""
    table = pl.scan_csv(expand(path), separator="\t", quote_char=None, infer_schema=False)
    return table.rename(lambda name: name.split(":")[0])


LOADER = Loader("recbole", "RecBole atomic files: .inter and .item", RecBoleOptions, load, "folder")
