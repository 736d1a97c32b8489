"""Options and files that the three editions of the Amazon reviews share."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import Field, model_validator

from domains.io.compressed import within_budget
from domains.io.expand import expand, find_file
from domains.io.paths import InputPath
from domains.settings import Settings


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
    """``meta_Toys_and_Games.json.gz`` -> ``Toys_and_Games``."""
    return Path(file).name.split(".")[0].removeprefix("meta_")


def headless_csv(file: str, names: list[str]) -> pl.LazyFrame:
    """Scan a CSV without a header, all as text."""
    return pl.scan_csv(within_budget(expand(file)), has_header=False, new_columns=names, infer_schema=False)
