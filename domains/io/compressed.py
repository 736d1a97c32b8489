"""Opening text that may be compressed, and a look at its first line."""

from __future__ import annotations

import gzip
import zlib
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

from domains.errors import InputError

DELIMITERS = ",\t;|"
LONGEST_HEAD = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BREAKS_OFF = (EOFError, gzip.BadGzipFile, zlib.error)
"""What a compressed file raises that is truncated or damaged."""
READING_FAILS = (OSError, EOFError, UnicodeDecodeError, zlib.error)
"""What Python raises over a file that is damaged."""


class _Unzipped(RawIOBase):
    """A file of zstandard, which Python reads from 3.14 on; Arrow does today. It breaks off as gzip does."""

    def __init__(self, path: str | Path) -> None:
        import pyarrow as pa

        self._stream = pa.input_stream(str(path), compression="zstd")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill as much of the buffer as there is."""
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
    """Open a file that may be compressed with gzip or zstandard, whatever its name says."""
    with Path(path).open("rb") as head:
        magic = head.read(len(ZSTD_MAGIC))
    if magic == ZSTD_MAGIC:
        return cast(IO[bytes], BufferedReader(_Unzipped(path)))
    zipped = magic.startswith(GZIP_MAGIC)
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
        f"the compressed file breaks off: {error}", location=f"{file}, after line {line}", hint="Fetch it again"
    )
