"""JSON that is one array or one object, as programs export it, rewritten with one record per line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any, TypeGuard

from domains.column_names import ALIASES, find_name
from domains.disk import temporary_folder
from domains.errors import DataError
from domains.io.compressed import BREAKS_OFF, broken_off, open_text

BLANK = b"\xef\xbb\xbf \t\r\n"
"""Bytes that may stand before the first value: a byte order mark and white space."""
FIRST = 64
"""Bytes that show how a JSON file begins: an array may be one long line."""
Record = dict[str, Any]


def as_lines(file: str) -> str:
    """Return the file; if it is one JSON value, return a temporary copy with one record per line.

    Raises:
        InputError: it is not JSON, or one value that holds no records.
    """
    try:
        with open_text(file) as stream:
            if not _is_one_value(stream):
                return file
        with open_text(file) as stream:
            data = json.load(stream)
    except BREAKS_OFF as error:
        raise broken_off(file, 0, error) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"is not JSON: {error}", location=file, hint="Check that it is complete", code="line"
        ) from error
    records = _records(data, file)
    if not records:
        raise DataError("holds no records", location=file, hint="Check that it is complete", code="empty")
    copy = Path(temporary_folder()) / f"{Path(file).name}.jsonl"
    with copy.open("w", encoding="utf-8") as target:
        target.writelines(f"{json.dumps(record)}\n" for record in records)
    return str(copy)


def _is_one_value(stream: IO[bytes]) -> bool:
    """Return whether a JSON file is one array or one object, not an object per line."""
    head = b""
    while not head and (chunk := stream.read(FIRST)):
        head = chunk.lstrip(BLANK)
    if not head.startswith(b"{"):
        return head.startswith(b"[")
    first, _, rest = (head + stream.readline()).partition(b"\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return first.rstrip().endswith((b"{", b"[", b","))  # goes on in the next line, or is a broken record
    return not rest.strip() and not any(line.strip() for line in stream)


def _records(data: object, file: str) -> list[Record]:
    """Return the records of one JSON value.

    These are an array of objects, also within an object that says more about it (``{"count": 3, "orders": [...]}``);
    or a table as pandas writes it: by columns (``{"user": {"0": ...}}`` or ``{"user": [...]}``), by rows (``{"0":
    {"user": ...}}``), or as ``{"columns": ["user"], "data": [[...]]}``. Any other object is one record, as is that of a
    user or an item.

    Raises:
        InputError: an array of other things, or several arrays of objects.
    """
    if not isinstance(data, dict):
        if _are_records(data):
            return data
        raise DataError(
            "is a JSON array of other things than objects",
            location=file,
            hint="Give an array of objects (orient='records' of pandas), or one JSON object per line",
            code="line",
        )
    if _is_split(data):
        return [dict(zip(data["columns"], row, strict=True)) for row in data["data"]]
    columns = list(data.values())
    tables = {name: column for name, column in data.items() if column and _are_records(column)}
    is_row = len(columns) > 1 and any(find_name(ALIASES[role], list(data)) is not None for role in ("user", "item"))
    if len(tables) == 1 and not is_row:
        return next(iter(tables.values()))
    if tables and len(tables) == len(columns):
        raise DataError(
            f"holds several tables: {', '.join(data)}",
            location=file,
            hint="Save each as a file of its own",
            code="line",
        )
    if len(columns) > 1 and all(isinstance(column, list) for column in columns):
        if len({len(column) for column in columns}) == 1:
            return [dict(zip(data, row, strict=True)) for row in zip(*columns, strict=True)]
    elif len(columns) > 1 and all(isinstance(column, dict) for column in columns):
        rows = list(columns[0])
        if all(column.keys() == columns[0].keys() for column in columns) and all(row.isdecimal() for row in rows):
            return [{name: column[row] for name, column in data.items()} for row in rows]
        if all(name.isdecimal() for name in data) and not any(name.isdecimal() for row in columns for name in row):
            return [{"index": name, **row} for name, row in data.items()]
    return [data]


def _is_split(data: Record) -> bool:
    """Return whether an object holds the names of columns and, apart from them, the rows."""
    names, rows = data.get("columns"), data.get("data")
    if not set(data) <= {"columns", "index", "data"} or not isinstance(names, list) or not isinstance(rows, list):
        return False
    return all(isinstance(row, list) and len(row) == len(names) for row in rows) and all(
        isinstance(name, str) for name in names
    )


def _are_records(data: object) -> TypeGuard[list[Record]]:
    return isinstance(data, list) and all(isinstance(record, dict) for record in data)
