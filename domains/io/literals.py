"""Files with one Python literal per line (the older McAuley data), parsed as data and never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from domains.errors import InputError
from domains.io.batches import BATCH, PolarsType, from_batches
from domains.io.compressed import BREAKS_OFF, broken_off, open_text
from domains.io.expand import expand

LONGEST_LINE = 16 * 2**20
"""Bytes; a longer line is no record of such a file, and parsing it could exhaust the memory."""

Record = dict[str, Any]


def scan_literals(source: str, schema: Mapping[str, PolarsType], pick: Callable[[Record], Record]) -> pl.LazyFrame:
    """Scan dictionaries in batches.

    Args:
        source: a file, a glob or a folder; compressed or not.
        schema: of the fields that `pick` gives.
        pick: returns the wanted fields of one record.

    Raises:
        InputError: (when collected) a line is no dictionary; names the line.
    """
    files = expand(source)

    def frames() -> Iterator[pl.DataFrame]:
        for file in files:
            held: list[Record] = []
            for record in _records(file):
                held.append(pick(record))
                if len(held) == BATCH:
                    yield pl.DataFrame(held, schema=dict(schema))
                    held = []
            yield pl.DataFrame(held, schema=dict(schema))

    return from_batches(frames, schema)


def _records(file: str) -> Iterator[Record]:
    for number, line in _lines(file):
        if not line.strip():
            continue
        try:
            record = _parse(line)
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            raise _refused(file, number, str(error)) from error
        if not isinstance(record, dict):
            raise _refused(file, number, f"a {type(record).__name__}")
        yield record


def _lines(file: str) -> Iterator[tuple[int, bytes]]:
    """Lines, counted from 1; a line that is too long comes in pieces, which are no records."""
    number = 0
    with open_text(file) as lines:
        try:
            while line := lines.readline(LONGEST_LINE):
                number += 1
                yield number, line
        except BREAKS_OFF as error:
            raise broken_off(file, number, error) from error


def _parse(line: bytes) -> object:
    """Parse one literal, without Python's warnings about escapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(line.decode("utf-8").strip())


def _refused(file: str, number: int, said: str) -> InputError:
    return InputError(
        f"is no dictionary written as a Python literal: {said[:200]}",
        location=f"{file}, line {number}",
        hint="Check that the file is complete; strict JSON belongs to the loader of a later edition",
    )
