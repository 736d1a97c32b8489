"""Opening text that may be compressed, and a look at its first line."""

from __future__ import annotations

import gzip
import zlib
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from domains.errors import InputError

DELIMITERS = ",\t;|"
LONGEST_HEAD = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
BREAKS_OFF = (EOFError, gzip.BadGzipFile, zlib.error)
"""What a compressed file raises that is truncated or damaged."""
READING_FAILS = (OSError, EOFError, UnicodeDecodeError, zlib.error)
"""What Python raises over a file that is damaged."""


def open_text(path: str | Path) -> IO[bytes]:
    """Open a file that may be gzipped, whatever its name says."""
    with Path(path).open("rb") as head:
        zipped = head.read(2) == GZIP_MAGIC
    return cast(IO[bytes], gzip.open(path, "rb")) if zipped else Path(path).open("rb")


def first_line(path: str | Path, encoding: str = "utf-8") -> str:
    """Read the first line, at most `LONGEST_HEAD` characters of it, without its end."""
    try:
        with open_text(path) as binary:
            text = TextIOWrapper(binary, encoding=encoding, errors="replace", newline="\n")
            return text.readline(LONGEST_HEAD).strip("\r\n").lstrip("\ufeff")
    except READING_FAILS:
        return ""


def delimiter_of(path: str | Path, encoding: str = "utf-8") -> str:
    """Return the known delimiter that the first line holds most often, a comma where it holds none."""
    return max(DELIMITERS, key=first_line(path, encoding).count)


def broken_off(file: str, line: int, error: Exception) -> InputError:
    """Say after which line a compressed file could not be read on."""
    return InputError(
        f"the compressed file breaks off: {error}", place=f"{file}, after line {line}", mend="Fetch it again"
    )
