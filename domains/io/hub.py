"""Tables through the `datasets` library: memory-mapped Arrow in its cache, never all in Python objects."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from domains.errors import DataError
from domains.io.addresses import check_address, is_url

HUB = "hf://datasets/"
"""Addresses of the hub itself, which its loaders may always open."""


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
        InputError: it cannot be loaded: no such name, no network, a script that `datasets` refuses to run, a broken
            file, an address that is not allowed.
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
    except Exception as error:  # the errors of its HTTP library, formats and data sets have no common base
        said = (str(error).strip() or type(error).__name__).split("\n")[0][:300]
        raise DataError(
            f"cannot be loaded through datasets: {said}",
            location=f"data set {location!r}",
            hint="Check id, configuration, split and network, or fetch the files and use a loader for local ones",
        ) from error
    frame = pl.from_arrow(loaded.data.table)
    assert isinstance(frame, pl.DataFrame)
    return frame.lazy()
