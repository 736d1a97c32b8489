"""Lazy tables of batches made in Python, for formats that polars cannot scan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from io import TextIOWrapper
from typing import TypeAlias

import polars as pl
from polars.io.plugins import register_io_source

from domains.io.compressed import open_text

PolarsType: TypeAlias = pl.DataType | type[pl.DataType]

BATCH = 20_000
"""Rows of a batch: large enough to make the cost per batch small, small enough for lines of 1 MB now and then."""


def from_batches(batches: Callable[[], Iterable[pl.DataFrame]], schema: Mapping[str, PolarsType]) -> pl.LazyFrame:
    """Make a lazy table that calls `batches` each time it is collected.

    Args:
        batches: gives frames of the schema.
        schema: of each of them.
    """

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for batch in batches():
            frame = batch if left is None else batch.head(left)
            left = None if left is None else left - frame.height
            if predicate is not None:
                frame = frame.filter(predicate)
            yield frame if columns is None else frame.select(columns)
            if left == 0:
                return

    return register_io_source(source, schema=dict(schema))


def text_batches(files: Iterable[str], encoding: str, column: str) -> Iterator[pl.DataFrame]:
    """Decode the lines of some files, compressed or not, in batches of `BATCH`."""
    for file in files:
        with open_text(file) as binary:
            held: list[str] = []
            for line in TextIOWrapper(binary, encoding=encoding, newline="\n"):
                held.append(line.rstrip("\r\n"))
                if len(held) == BATCH:
                    yield pl.DataFrame({column: held}, schema={column: pl.String})
                    held = []
            yield pl.DataFrame({column: held}, schema={column: pl.String})
