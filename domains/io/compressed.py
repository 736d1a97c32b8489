"""Open text that may be compressed; check its first bytes, its header and its uncompressed size."""

from __future__ import annotations

import gzip
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from functools import lru_cache
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

from domains.errors import DataError

DELIMITERS = ",\t;|^"
LONGEST_HEAD = 1 << 20
SQL = (
    rb"(?i)(?:[\s;]|--[^\n]*|/\*[^*]*\*/|(?:SET|USE|SELECT|LOCK|BEGIN|START)\b[^\n;]*;)*+"
    rb"(?:INSERT\s+INTO|CREATE\s+TABLE|DROP\s+TABLE|COPY\s+\S+\s*\([^)]*\)\s*FROM)\s"
)
"""How a dump of MySQL or PostgreSQL begins."""
MOST_COLUMNS = 10_000
LARGEST_RATIO = 100
FREE_SIZE = 1 << 30
"""Compressed files may expand to 1 GiB, or further up to `LARGEST_RATIO`; text packs to about a tenth."""
VALUE_SIZE = 8
"""Least bytes of a value of a Parquet file in memory."""
COLUMNS_READ = 5
"""Columns of a wide Parquet file that are read at a time; the others stay packed."""
CHUNK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SHEET = "Save the sheet as CSV"
FOREIGN = {
    b"PK\x03\x04": ("a zip archive or a workbook", "Unpack it, or save the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", SHEET),
    b"PAR1": ("Parquet", "Give it a name that ends in .parquet"),
    b"ARROW1": ("Arrow", "Give it a name that ends in .arrow"),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV"),
    b"\x7fELF": ("a program", "Check the path"),
    b"MZ\x90": ("a program", "Check the path"),
    b"%PDF": ("a PDF", "Export the table as CSV"),
    b"\x89PNG": ("a picture", "Check the path"),
    b"\xff\xd8\xff": ("a picture", "Check the path"),
    b"BZh": ("packed by bzip2", "Unpack it, or pack it with gzip"),
    b"\xfd7zXZ": ("packed by xz", "Unpack it, or pack it with gzip"),
    b"Rar!": ("a rar archive", "Unpack it"),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it"),
    b"version https://git-lfs": ("a pointer of Git LFS", "Fetch the file itself: git lfs pull"),
    b"<!doctype html": ("a web page", "Download the file itself; this may be a page that asks to log in"),
    b"<html": ("a web page", "Download the file itself; this may be a page that asks to log in"),
}
"""First bytes of files that are not text, what they are, and a hint."""
BREAKS_OFF = (EOFError, gzip.BadGzipFile, zlib.error)
"""Errors of a truncated or damaged compressed file."""
READING_FAILS = (OSError, EOFError, UnicodeError, zlib.error)
"""Errors of Python when it reads a damaged file."""


class _Unzipped(RawIOBase):
    """Reads a zstandard file through Arrow (Python can from 3.14 on). Truncated files raise the same error as gzip."""

    def __init__(self, path: str | Path) -> None:
        import pyarrow as pa

        self._stream = pa.input_stream(str(path), compression="zstd")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer."""
        try:
            data = self._stream.read(len(buffer))
        except OSError as error:
            raise EOFError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


def open_text(path: str | Path) -> IO[bytes]:
    """Open a file that may be compressed with gzip or zstandard, whatever its name."""
    with Path(path).open("rb") as head:
        magic = head.read(len(ZSTD_MAGIC))
    if magic == ZSTD_MAGIC:
        return cast(IO[bytes], BufferedReader(_Unzipped(path)))
    zipped = magic.startswith(GZIP_MAGIC)
    return cast(IO[bytes], gzip.open(path, "rb")) if zipped else Path(path).open("rb")


def within_budget(files: list[str]) -> list[str]:
    """Return the files; raise if a compressed one would fill the memory.

    Raises:
        InputError: a file expands to more than the limit.
    """
    for file in files:
        stat = Path(file).stat()
        # Deflate packs at most to a thousandth, zstandard without a limit.
        if stat.st_size * 1100 > FREE_SIZE or file.lower().endswith(".zst"):
            _check_expansion(file, stat.st_size, stat.st_mtime_ns)
    return files


def parquet_within_budget(files: list[str]) -> list[str]:
    """Return the Parquet files; raise if one would fill the memory: a billion equal values pack to a few bytes.

    Raises:
        InputError: a file expands to more than the limit.
    """
    for file in files:
        stat = Path(file).stat()
        _check_parquet(file, stat.st_size, stat.st_mtime_ns)
    return files


@lru_cache(maxsize=256)
def _check_parquet(file: str, size: int, _modified: int) -> None:
    from pyarrow import ArrowException, parquet

    try:
        facts = parquet.read_metadata(file)
    except (OSError, ValueError, ArrowException):  # a damaged name of a column is no UTF-8
        return  # the reader reports what is wrong
    groups = (facts.row_group(number).total_byte_size for number in range(facts.num_row_groups))
    expanded = max(sum(groups), VALUE_SIZE * facts.num_rows * min(facts.num_columns, COLUMNS_READ))
    if expanded > _limit(size):
        raise _expands(file, size, "If you trust it, split it into several files")


def _limit(size: int) -> int:
    return max(FREE_SIZE, LARGEST_RATIO * size)


def _expands(file: str, size: int, hint: str) -> DataError:
    return DataError(f"{size:,} bytes expand to more than {_limit(size):,}", location=file, hint=hint, code="expands")


@lru_cache(maxsize=256)
def _check_expansion(file: str, size: int, _modified: int) -> None:
    with Path(file).open("rb") as head:
        if not head.read(4).startswith((GZIP_MAGIC, ZSTD_MAGIC)):
            return
    expanded = 0
    try:
        with open_text(file) as stream:
            while chunk := stream.read(CHUNK):
                expanded += len(chunk)
                if expanded > _limit(size):
                    raise _expands(file, size, "If you trust it, decompress it yourself and name the decompressed file")
    except READING_FAILS:
        return  # the reader reports where the file is damaged


def first_line(path: str | Path, encoding: str = "utf-8") -> str:
    """Read the first line, at most `LONGEST_HEAD` characters of it, without its end."""
    try:
        with open_text(path) as binary:
            text = TextIOWrapper(binary, encoding=encoding, errors="replace", newline="\n")
            return text.readline(LONGEST_HEAD).strip("\r\n").lstrip("\ufeff")
    except READING_FAILS:
        return ""


def check_text(path: str | Path, encoding: str = "utf-8", kind: str = "") -> None:
    """Raise if the first bytes of a file are not text.

    Args:
        path: the file.
        encoding: in which it is read.
        kind: of the file by its name; for ``csv``, JSON is an error, and JSON is always UTF-8.

    Raises:
        InputError: it is a program, a picture, a workbook, ..., or text in UTF-16 without that encoding set.
    """
    try:
        with open_text(path) as binary:
            head = binary.read(4096)
    except READING_FAILS:
        return
    for magic, (what, hint) in FOREIGN.items():
        if head.lstrip().lower().startswith(magic) if magic.startswith(b"<") else head.startswith(magic):
            raise DataError(f"is {what}, not a text file", location=path, hint=hint, code="not-text")
    if encoding.lower().replace("_", "-") not in {"utf-8", "utf8", "utf-8-sig"}:
        return
    wide = wide_encoding(head)
    if wide is not None:
        raise DataError(
            f"is written in {wide.upper()}",
            location=path,
            hint="Save it as UTF-8" + ("" if kind == "json" else f", or set encoding to {wide}"),
            code="utf-16",
        )
    if kind == "csv" and re.match(rb"\s*\[?\s*\{\s*\"", head.removeprefix(BOM_UTF8)):
        raise DataError(
            "is JSON, not CSV", location=path, hint="Give it a name that ends in .jsonl or .json", code="not-text"
        )
    if kind in ("csv", "tsv") and re.match(SQL, head.removeprefix(BOM_UTF8)):
        raise DataError(
            "is a dump of a database, not a table",
            location=path,
            hint="Load it into a database, and export the table as CSV",
            code="not-text",
        )
    control = sum(head.count(byte) for byte in (*range(9), *range(14, 27), *range(28, 32)))
    if control > len(head) / 20 and len(head) > 64:
        raise DataError(
            "is not a text file",
            location=path,
            hint="Name a CSV, TSV, JSON Lines, Parquet or Arrow file",
            code="not-text",
        )


def wide_encoding(head: bytes) -> str | None:
    """Return the encoding if the first bytes are text in UTF-16 or UTF-32 with mostly printable characters."""
    nuls = [head[start::2].count(0) for start in (0, 1)]
    if head[:4] in {BOM_UTF32_LE, BOM_UTF32_BE}:
        encoding = "utf-32"
    elif head[:2] in {BOM_UTF16_LE, BOM_UTF16_BE}:
        encoding = "utf-16"
    elif max(nuls) > len(head) / 5 and min(nuls) < len(head) / 50:
        encoding = "utf-16-le" if nuls[1] > nuls[0] else "utf-16-be"
    else:
        return None
    text = head[: len(head) // 4 * 4].decode(encoding, errors="replace")
    usual = sum(sign.isprintable() or sign.isspace() for sign in text) > 0.95 * len(text)
    return encoding if usual else None


def check_columns(path: str | Path, delimiter: str, location: str | Path | None = None) -> None:
    """Raise if the header has more than `MOST_COLUMNS` columns. The error names `location`, by default the path.

    Raises:
        InputError: it has.
    """
    head = first_line(path)
    if head.count(delimiter) >= MOST_COLUMNS or len(head) >= LONGEST_HEAD:
        raise DataError(
            f"the first line has {max(head.count(delimiter) + 1, MOST_COLUMNS):,} columns or more",
            location=location or path,
            hint=f"Give a table with a header of at most {MOST_COLUMNS:,} columns",
            code="columns",
        )


def delimiter_of(path: str | Path, encoding: str = "utf-8") -> str:
    """Return the most frequent known delimiter in the first line; a comma if there is none."""
    return max(DELIMITERS, key=first_line(path, encoding).count)


def broken_off(file: str, line: int, error: Exception) -> DataError:
    """Return the error for a compressed file that cannot be read after this line."""
    return DataError(
        f"the compressed file breaks off: {error}",
        location=f"{file}, after line {line}",
        hint="Fetch it again",
        code="breaks-off",
    )
