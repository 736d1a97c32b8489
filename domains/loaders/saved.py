"""Domains that were prepared before: a saved one, and a partitioned folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from domains.domain import Domain
from domains.errors import DataError
from domains.io.paths import InputPath
from domains.loaders.loader import Loader
from domains.partitioned import load_prepared
from domains.settings import Settings
from domains.storage import META, load_domain


class SavedOptions(Settings):
    """Folder of a saved domain."""

    folder: InputPath = Field(description="Folder written by domains.storage.save_domain.")


def load_saved(options: SavedOptions) -> Domain:
    """Memory-map the folder."""
    folder = Path(options.folder)
    if folder.is_file():
        raise DataError(
            "is a file, not a saved domain",
            location=folder,
            hint="Name the loader (loader:path), or give two tables: {interactions: FILE, items: FILE}",
            code="no-domain",
        )
    if folder.is_dir() and not (folder / META).exists():
        raise DataError(
            f"no saved domain (no {META})",
            location=folder,
            hint=f"Check the path; raw data need their loader's name, such as movielens:{folder} "
            "(all loaders: transfer domains list)",
            code="no-domain",
        )
    return load_domain(folder)


class PartitionedOptions(Settings):
    """Folder of a partitioned domain."""

    folder: InputPath = Field(description="Folder that transfer prepare, Spark or Ray wrote, with manifest.json.")


def load_partitioned(options: PartitionedOptions) -> Domain:
    """Map the folder."""
    return load_prepared(Path(options.folder))


SAVED = Loader("saved", "a domain that was prepared and saved before", SavedOptions, load_saved, "folder")
PREPARED = Loader(
    "prepared", "a folder that transfer prepare, Spark or Ray wrote", PartitionedOptions, load_partitioned, "folder"
)
