"""RecBole atomic files: `.inter` and `.item`, tab-separated with typed headers (`user_id:token`)."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
from pydantic import Field

from domains.errors import DataError
from domains.io.columns import map_interactions, map_items
from domains.io.compressed import within_budget
from domains.io.paths import COMPRESSIONS, InputPath, find_file
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import ColumnMapping, Settings

PARTS = ("train", "valid", "validation", "dev", "test")
"""Parts of a benchmark in the order of time."""


class RecBoleOptions(Settings):
    """A folder with one data set, or one of its files; columns are named with or without their type."""

    folder: InputPath = Field(
        description="Folder with NAME.inter and NAME.item, or one .inter file in it. The parts of a benchmark "
        "(NAME.part1.inter, NAME.train.inter, ...) are read together; name one of them to read that one alone."
    )
    columns: ColumnMapping = Field(default_factory=ColumnMapping, description="Names, if they are not the usual ones.")
    category_separator: str = Field(default=" ", description="Separator of the tokens of a token_seq.")


def load(options: RecBoleOptions) -> RawTables:
    """Scan the interactions, of one or several files, and the items."""
    acts = _interaction_files(options.folder)
    folder = str(Path(acts[0]).parent)
    name = Path(acts[0]).name.split(".")[0]
    things = find_file(folder, (f"{name}.item", "*.item"), "items")
    location = acts[0] if len(acts) == 1 else str(Path(folder) / f"{name}.*.inter")
    interactions = map_interactions(_scan(acts), options.columns, location)
    items = map_items(_scan([things]), options.columns, options.category_separator, things)
    notes = (f"Read together: {', '.join(Path(file).name for file in acts)}.",) if len(acts) > 1 else ()
    return RawTables(
        interactions=interactions,
        items=items,
        name=name,
        time_kind=None,
        interactions_location=location,
        items_location=things,
        notes=notes,
    )


def _interaction_files(source: str) -> list[str]:
    """Return the given file, or all parts of the one data set in a folder, in the order of time.

    Raises:
        InputError: there is no data set, or several.
    """
    if Path(source).is_file():
        return [source]
    endings = (".inter", *(f".inter{ending}" for ending in COMPRESSIONS))
    files = sorted(file for file in Path(source).glob("*") if file.is_file() and file.name.endswith(endings))
    if len({file.name.split(".")[0] for file in files}) > 1:
        raise DataError(
            f"holds several data sets: {', '.join(file.name for file in files[:6])}",
            location=source,
            hint=f"Name one file, as in folder: {files[0]}",
            code="several-files",
        )
    if len(files) < 2:
        return [find_file(source, ("*.inter",), "interactions")]
    return [str(file) for file in sorted(files, key=lambda file: _place(file.name))]


def _place(name: str) -> tuple[int, int, str]:
    """Sort key: train, validation, test; part2 before part10."""
    part = name.split(".")[1].lower()
    number = re.search(r"\d+", part)
    return PARTS.index(part) if part in PARTS else 0, int(number[0]) if number else 0, name


def _scan(files: list[str]) -> pl.LazyFrame:
    """Read all columns as text and remove the types from the names; this format has no quoting."""
    table = pl.scan_csv(within_budget(files), separator="\t", quote_char=None, infer_schema=False, glob=False)
    return table.rename(lambda name: name.split(":")[0])


LOADER = Loader("recbole", "RecBole atomic files: .inter and .item", RecBoleOptions, load, "folder")
