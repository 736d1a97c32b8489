"""Collect lazy tables; if a reader fails, find the line at fault."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from domains.errors import DataError, InputError
from domains.io.compressed import BREAKS_OFF, READING_FAILS, broken_off, delimiter_of, open_text
from domains.io.paths import KINDS, expand

FAILS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, *READING_FAILS)
"""Errors of reading a damaged file; polars panics on some damaged Parquet files."""


def collect(lazy: pl.LazyFrame, location: str) -> pl.DataFrame:
    """Run a lazy query with the streaming engine.

    Args:
        lazy: the query.
        location: the file, glob or folder that it reads; after an error, the cause is searched there.

    Raises:
        InputError: the file cannot be read, or its content does not match its format.
    """
    try:
        return lazy.collect(engine="streaming")
    except InputError:
        raise
    except FAILS as error:
        raise diagnose(error, location) from error


def schema_of(lazy: pl.LazyFrame, location: str) -> dict[str, pl.DataType]:
    """Return names and types of the columns; reads only the beginning.

    Raises:
        InputError: as `collect`.
    """
    try:
        return dict(lazy.collect_schema())
    except InputError:
        raise
    except FAILS as error:
        raise diagnose(error, location) from error


_copies: dict[tuple[str, int, int], str] = {}
_originals: dict[str, str] = {}


def note_copy(file: str, copy: str) -> None:
    """Remember that a file is read from a copy with the same lines: wrong ones are looked for there, and named here."""
    _originals[copy] = original = _originals.get(file, file)
    if file == original:
        _copies[_version(file)] = copy


def _version(file: str) -> tuple[str, int, int]:
    stat = Path(file).stat()
    return str(Path(file).absolute()), stat.st_size, stat.st_mtime_ns


def of_original(error: InputError) -> InputError:
    """Return an error with the name of the file in place of that of its copy."""
    where = str(error.location)
    copy = next((copy for copy in _originals if where.startswith(copy)), None)
    return error if copy is None else error.at(_originals[copy] + where.removeprefix(copy))


COMPLETE = "Check that the file is complete and has the format of its name"


def diagnose(error: BaseException, location: str) -> InputError:
    """Find the first wrong line; if there is none, return the message of the reader.

    Args:
        error: error of the reader.
        location: the file, glob or folder that it read.
    """
    try:
        files = expand(location)
    except InputError:
        return _as_said(error, location)
    for file in files:
        found = _look_through(_copies.get(_version(file), file))
        if found is not None:
            return of_original(found)
    return _as_said(error, location)


def _as_said(error: BaseException, location: str) -> InputError:
    said = str(error).strip().split("\n")[0][:300]
    return DataError(f"cannot be read: {said}", location=location, hint=COMPLETE, code="unreadable")


def _look_through(file: str) -> InputError | None:
    if Path(file).stat().st_size == 0:
        return DataError("is empty", location=file, hint=COMPLETE, code="empty")
    kind = next((KINDS[ending] for ending in reversed(Path(file).suffixes) if ending in KINDS), "csv")
    number = 0
    try:
        for number, line in _numbered_lines(file):
            found = _wrong_bytes(line) or (_wrong_json(line) if kind == "json" else None)
            if found is not None:
                problem, hint = found
                return DataError(problem, location=f"{file}, line {number}", hint=hint, code="line")
    except BREAKS_OFF as error:
        return broken_off(file, number, error)
    return _wrong_fields(file) if kind in {"csv", "tsv"} else None


def _numbered_lines(file: str) -> Iterator[tuple[int, bytes]]:
    if any(ending in {".parquet", ".pq", ".arrow", ".feather", ".ipc"} for ending in Path(file).suffixes):
        return
    with open_text(file) as lines:
        yield from enumerate(lines, start=1)


def _wrong_bytes(line: bytes) -> tuple[str, str] | None:
    if b"\0" in line:
        if line[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return "is written in UTF-16", "Save it as UTF-8"
        return "holds a NUL byte", "Remove it; the file may be damaged"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return (
            f"is not UTF-8 (byte 0x{line[error.start]:02x} at column {error.start + 1})",
            "Save the file as UTF-8, or set encoding to the one it has, such as cp1252",
        )
    return None


def _wrong_json(line: bytes) -> tuple[str, str] | None:
    if not line.strip():
        return None
    constants: list[str] = []
    try:
        value = json.loads(line, parse_constant=constants.append)
    except (ValueError, RecursionError) as error:
        if line.startswith((b"{'", b"{u'")):
            return (
                "is a Python literal, not JSON",
                "Use the loader of the edition that writes them, such as amazon2014 or steam",
            )
        return f"is not JSON: {error}", "Each line must be one JSON object"
    if constants:
        return f"holds {constants[0]}, which is not JSON", "Write null in its place"
    return None if isinstance(value, dict) else ("is not a JSON object", "Each line must be one JSON object")


def _wrong_fields(file: str) -> InputError | None:
    """Find the first row with more fields than the header, an unclosed quote, or an extra quote mark."""
    marks = 0

    def text() -> Iterator[str]:
        nonlocal marks
        for line in binary:
            marks += line.count(b'"')
            yield line.decode("utf-8", errors="replace")

    with open_text(file) as binary:
        rows = csv.reader(text(), delimiter=delimiter_of(file), strict=True)
        start = 1
        header: list[str] = []
        try:
            for row in rows:
                header = header or row
                if marks % 2:  # inside a field, which Python accepts and polars does not
                    return DataError(
                        "an odd number of quote marks",
                        location=f"{file}, line {start}",
                        hint='Remove the mark, or quote the field and double it: "12"" wide"',
                        code="quoting",
                    )
                if len(row) > len(header):
                    more = ", or remove the lines above the header" if start == 2 else ""
                    return DataError(
                        f"{len(row)} fields, the header has {len(header)}",
                        location=f"{file}, line {start}",
                        hint=f"Quote fields that hold the delimiter, or set separator{more}",
                        code="fields",
                    )
                start = rows.line_num + 1
        except csv.Error as error:
            return DataError(
                f"quotes do not match: {error}",
                location=f"{file}, line {start}",
                hint="Close the quote, or double quotes within a field; if quoting is 'none', set it to 'double' where "
                "fields hold the delimiter",
                code="quoting",
            )
    return None
