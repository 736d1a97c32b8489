"""Tables from the web, object storage and the Hugging Face hub."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

import polars as pl

from domains.errors import DataError, SettingsError
from domains.io.paths import check_address, is_url


def scan_remote_parquet(url: str) -> pl.LazyFrame:
    """Scan a Parquet file, glob or (Hive-partitioned) folder; only the needed columns and row groups are fetched."""
    from pyarrow import dataset

    filesystem, path = _filesystem(url)
    files = sorted(filesystem.glob(path)) if "*" in path else path
    if not files or (isinstance(files, str) and not filesystem.exists(files)):
        raise DataError("no such file", location=url, hint="Check the address and your access to it", code="no-file")
    return pl.scan_pyarrow_dataset(dataset.dataset(files, filesystem=filesystem, format="parquet", partitioning="hive"))


def fetch_urls(url: str) -> list[str]:
    """Copy a file or the files of a glob to temporary local files, which are deleted when the process ends."""
    import fsspec

    filesystem, path = _filesystem(url)
    try:
        if not filesystem.glob(path):
            raise FileNotFoundError(url)
        folder = tempfile.mkdtemp(prefix="domains-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        fetched: Any = fsspec.open_local(f"simplecache::{url}", simplecache={"cache_storage": folder})
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot be fetched: {error}", location=url, hint="Check the address and your access to it", code="download"
        ) from error
    return [fetched] if isinstance(fetched, str) else sorted(fetched)


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise SettingsError(
            f"this kind of address cannot be read: {error}",
            location=url,
            hint="Install the fsspec package that the message names",
            code="address",
        ) from error
    return filesystem, path


HUB = "hf://datasets/"
"""Prefix of addresses on the hub, which its loaders may always open."""


def load_table(
    dataset: str,
    *,
    config: str | None = None,
    split: str = "train",
    revision: str | None = None,
    data_files: Sequence[str] | None = None,
) -> pl.LazyFrame:
    """Fetch one split of a data set as a lazy table.

    Args:
        dataset: id on the hub, a local folder, or a format (``csv``, ``json``, ``parquet``) together with `data_files`.
        config: name of a configuration.
        split: which split, in the slicing syntax of `datasets`.
        revision: branch, tag or commit.
        data_files: files or globs to read.

    Raises:
        InputError: it cannot be loaded: unknown name, no network, a data set with a script, a broken file, an address
            that is not allowed.
    """
    import datasets

    for address in (dataset, *(data_files or ())):
        if is_url(address) and not address.startswith(HUB):
            check_address(address)
    location = dataset if not data_files else ", ".join(data_files)
    try:
        loaded = datasets.load_dataset(
            dataset,
            config,
            split=split,
            revision=revision,
            data_files=None if data_files is None else list(data_files),
        )
    except Exception as error:  # its errors have no common base class
        said = (str(error).strip() or type(error).__name__).split("\n")[0][:300]
        raise DataError(
            f"cannot be loaded through datasets: {said}",
            location=f"data set {location!r}",
            hint="Check id, configuration, split and network, or fetch the files and use a loader for local ones",
            code="download",
        ) from error
    frame = pl.from_arrow(loaded.data.table)
    assert isinstance(frame, pl.DataFrame)
    return frame.lazy()
