"""Files on object storage or the web, through fsspec."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Any

import polars as pl

from domains.errors import InputError


def scan_remote_parquet(url: str) -> pl.LazyFrame:
    """Scan a Parquet file, glob or (Hive-partitioned) folder; only the needed columns and row groups are fetched."""
    from pyarrow import dataset

    filesystem, path = _filesystem(url)
    files = sorted(filesystem.glob(path)) if "*" in path else path
    if not files or (isinstance(files, str) and not filesystem.exists(files)):
        raise InputError("no such file", location=url, hint="Check the address and your access to it")
    return pl.scan_pyarrow_dataset(dataset.dataset(files, filesystem=filesystem, format="parquet", partitioning="hive"))


def fetch_urls(url: str) -> list[str]:
    """Copy the file or the files of a glob to temporary local files, which live as long as this process."""
    import fsspec

    filesystem, path = _filesystem(url)
    try:
        if not filesystem.glob(path):
            raise FileNotFoundError(url)
        folder = tempfile.mkdtemp(prefix="domains-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        fetched: Any = fsspec.open_local(f"simplecache::{url}", simplecache={"cache_storage": folder})
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be fetched: {error}", location=url, hint="Check the address and your access to it"
        ) from error
    return [fetched] if isinstance(fetched, str) else sorted(fetched)


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"this kind of address cannot be read: {error}",
            location=url,
            hint="Install the fsspec package that it names",
        ) from error
    return filesystem, path
