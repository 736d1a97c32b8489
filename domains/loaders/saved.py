"""A domain that was prepared and saved before."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from domains.domain import Domain
from domains.loaders.paths import InputPath
from domains.loaders.registry import Loader
from domains.settings import Settings
from domains.storage import load_domain


class SavedOptions(Settings):
    """Where it is."""

    folder: InputPath = Field(description="Folder written by domains.storage.save_domain.")


def load(options: SavedOptions) -> Domain:
    """Memory-map the folder."""
    return load_domain(Path(options.folder))


LOADER = Loader("saved", "a domain that was prepared and saved before", SavedOptions, load, "folder")
