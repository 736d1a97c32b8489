"""Collecting a lazy table, with what can go wrong while reading told in our own words."""

from __future__ import annotations

import polars as pl

from domains.errors import InputError


def collect(lazy: pl.LazyFrame, place: object) -> pl.DataFrame:
    """Run a lazy query with the streaming engine.

    Raises:
        InputError: the file cannot be read or does not hold what its format promises.
    """
    try:
        return lazy.collect(engine="streaming")
    except InputError:
        raise
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, place) from error


def explain(error: Exception, place: object) -> InputError:
    """An InputError out of what the reader said."""
    said = str(error).strip().split("\n")[0][:300]
    return InputError(
        f"cannot be read: {said}", place=place, mend="Check that the file is complete and of this format"
    )
