"""Collect lazy tables; errors of readers become `InputError` with the line at fault."""

from __future__ import annotations

import polars as pl

from domains.errors import InputError
from domains.io.compressed import READING_FAILS
from domains.io.diagnose import diagnose

FAILS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, *READING_FAILS)
"""What reading a damaged file raises; polars gives up on some damaged Parquet files with a panic."""


def collect(lazy: pl.LazyFrame, location: str) -> pl.DataFrame:
    """Run a lazy query with the streaming engine.

    Args:
        lazy: the query.
        location: the file, glob or folder that it reads; after an error it is searched for the cause.

    Raises:
        InputError: the file cannot be read or does not hold what its format promises.
    """
    try:
        return lazy.collect(engine="streaming")
    except InputError:
        raise
    except FAILS as error:
        raise diagnose(error, location) from error


def schema_of(lazy: pl.LazyFrame, location: str) -> dict[str, pl.DataType]:
    """Return names and types of the columns; reads heads only.

    Raises:
        InputError: as `collect`.
    """
    try:
        return dict(lazy.collect_schema())
    except InputError:
        raise
    except FAILS as error:
        raise diagnose(error, location) from error
