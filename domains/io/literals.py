"""Scan files with one Python literal per line. Literals are parsed, never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from domains.errors import DataError, InputError
from domains.io.compressed import BREAKS_OFF, broken_off, open_text
from domains.io.paths import expand
from domains.io.scan import BATCH, PolarsType, from_batches

LONGEST_LINE = 16 * 2**20
"""Maximum bytes of a line; parsing a longer one could fill the memory."""

Record = dict[str, Any]


def scan_literals(source: str, schema: Mapping[str, PolarsType], pick: Callable[[Record], Record]) -> pl.LazyFrame:
    """Scan files with one Python literal per line (older McAuley data). Literals are parsed, never run.

    Args:
        source: a file, a glob or a folder; files may be compressed.
        schema: schema of the fields that `pick` returns.
        pick: returns the wanted fields of one record.

    Raises:
        InputError: a line is not a dictionary; raised when the table is collected.
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
            raise _no_literal(file, number, str(error)) from error
        if not isinstance(record, dict):
            raise _no_literal(file, number, f"a {type(record).__name__}")
        yield record


def _lines(file: str) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines from 1; lines longer than `LONGEST_LINE` are split and cannot be parsed."""
    number = 0
    with open_text(file) as lines:
        try:
            while line := lines.readline(LONGEST_LINE):
                number += 1
                yield number, line
        except BREAKS_OFF as error:
            raise broken_off(file, number, error) from error


def _parse(line: bytes) -> object:
    """Parse one literal; hide Python's warnings about escapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(line.decode("utf-8").strip())


def _no_literal(file: str, number: int, said: str) -> InputError:
    return DataError(
        f"is not a dictionary in Python's notation: {said[:200]}",
        location=f"{file}, line {number}",
        hint="Check that the file is complete; strict JSON belongs to the loader of a later edition",
        code="line",
    )
