"""Why a file could not be read: a second, slow look that names the line. Runs only after a reader has failed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from domains.errors import InputError
from domains.loaders.opening import BREAKS_OFF, broken_off, delimiter_of, open_text
from domains.loaders.sources import KINDS, expand

COMPLETE = "Check that the file is complete and of the format that its name says"


def diagnose(error: BaseException, place: str) -> InputError:
    """Find the first line that is wrong; where none is, pass on what the reader said.

    Args:
        error: what the reader raised.
        place: the file, glob or folder that it read.
    """
    try:
        files = expand(place)
    except InputError:
        return _as_said(error, place)
    for file in files:
        found = _look_through(file)
        if found is not None:
            return found
    return _as_said(error, place)


def _as_said(error: BaseException, place: str) -> InputError:
    said = str(error).strip().split("\n")[0][:300]
    return InputError(f"cannot be read: {said}", place=place, mend=COMPLETE)


def _look_through(file: str) -> InputError | None:
    if Path(file).stat().st_size == 0:
        return InputError("is empty", place=file, mend=COMPLETE)
    kind = next((KINDS[ending] for ending in reversed(Path(file).suffixes) if ending in KINDS), "csv")
    number = 0
    try:
        for number, line in _numbered_lines(file):
            found = _wrong_bytes(line) or (_wrong_json(line) if kind == "json" else None)
            if found is not None:
                problem, mend = found
                return InputError(problem, place=f"{file}, line {number}", mend=mend)
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
            "Save the file as UTF-8, or set encoding, for instance to latin-1, where the loader has it",
        )
    return None


def _wrong_json(line: bytes) -> tuple[str, str] | None:
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        if line.startswith((b"{'", b"{u'")):
            return "is a Python literal, no JSON", "Use the loader of the edition that writes them, such as amazon2014"
        return f"is no JSON: {error}", "Each line must be one JSON object"
    return None if isinstance(value, dict) else ("is no JSON object", "Each line must be one JSON object")


def _wrong_fields(file: str) -> InputError | None:
    """The first row with another number of fields than the header, or with an unclosed quote."""
    with open_text(file) as binary:
        text = (line.decode("utf-8", errors="replace") for line in binary)
        rows = csv.reader(text, delimiter=delimiter_of(file), strict=True)
        start = 1
        try:
            header = next(rows)
            start = rows.line_num + 1
            for row in rows:
                if len(row) > len(header):
                    return InputError(
                        f"{len(row)} fields, the header has {len(header)}",
                        place=f"{file}, line {start}",
                        mend="Quote fields that hold the delimiter, or set separator",
                    )
                start = rows.line_num + 1
        except csv.Error as error:
            return InputError(
                f"quotes do not match: {error}",
                place=f"{file}, line {start}",
                mend="Close the quote, or double quotes within a field",
            )
    return None
