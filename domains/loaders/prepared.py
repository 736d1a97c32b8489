"""A folder of the contract that `transfer prepare`, Spark or Ray wrote."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from domains.domain import Domain
from domains.io.paths import InputPath
from domains.loaders.registry import Loader
from domains.prepared import load_prepared
from domains.settings import Settings


class PreparedOptions(Settings):
    """Where it is."""

    folder: InputPath = Field(description="Folder that transfer prepare, Spark or Ray wrote, with manifest.json.")


def load(options: PreparedOptions) -> Domain:
    """Map the folder."""
    return load_prepared(Path(options.folder))


LOADER = Loader("prepared", "a folder that transfer prepare, Spark or Ray wrote", PreparedOptions, load, "folder")
