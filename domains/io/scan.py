"""Scan files, globs, folders and URLs as lazy tables, by their suffixes. Text stays text: ``007`` is ``007``."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from glob import escape
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl
from polars.datatypes import DataTypeClass
from polars.io.plugins import register_io_source

from domains.disk import temporary_folder
from domains.errors import DataError, InputError, SettingsError
from domains.io.collect import collect, note_copy, of_original, schema_of
from domains.io.compressed import (
    check_columns,
    check_text,
    open_text,
    parquet_within_budget,
    within_budget,
)
from domains.io.head import Head, Header, find_head
from domains.io.json_lines import as_lines
from domains.io.paths import check_address, expand, is_url, kind_of, partition_of
from domains.io.quoting import ESCAPED, MARK, Quoting, find_quoting, unquote
from domains.io.remote import fetch_urls, scan_remote_parquet
from domains.raw_cells import counted

LINE = "line"
# Pandas writes zones such as +02:00, which polars refuses with a panic; times in them are those of UTC all the same.
os.environ.setdefault("POLARS_IGNORE_TIMEZONE_PARSE_ERROR", "1")


def scan(
    source: str,
    *,
    separator: str | None = None,
    encoding: str = "utf-8",
    quoting: Quoting = "auto",
    header: Header = "first",
) -> pl.LazyFrame:
    """Scan a file, a glob, a folder (Hive-partitioned or not) or a URL.

    Args:
        source: file, glob, folder or URL; several files must be of one kind, and are read in the order of their names.
        separator: of delimited text; default: a tab in ``.tsv``, else the most frequent one in the first line.
        encoding: of delimited text.
        quoting: of delimited text: ``double`` if quote marks quote fields, ``none`` if they are text; detected by
            default.
        header: of delimited text: ``first`` if the first line names the columns, ``none`` if there are no names,
            ``auto`` to detect that and lines before the header.

    Raises:
        InputError: nothing is found, the suffix is unknown, it is not text, or the scheme of the URL is not allowed.
    """
    _check_encoding(encoding)
    if is_url(source):
        check_address(source)
        kind = kind_of([source], source)
        if kind == "parquet":
            return scan_remote_parquet(source)
        return _scan_files(fetch_urls(source), kind, separator, encoding, quoting, header)
    files = expand(source)
    kind = kind_of(files, source)
    within = [partition_of(file, source) for file in files] if kind != "parquet" else []  # polars reads those itself
    if not any(within):
        return _scan_files(files, kind, separator, encoding, quoting, header)
    tables = (
        _scan_files([file], kind, separator, encoding, quoting, header).with_columns(
            pl.lit(value, dtype=pl.String).alias(name) for name, value in values.items()
        )
        for file, values in zip(files, within, strict=True)
    )
    return pl.concat(tables, how=OTHER_KEYS if kind == "json" else "vertical")


def reading_notes(
    source: str, separator: str | None, encoding: str, quoting: Quoting, header: Header
) -> tuple[str, ...]:
    """Return notes on how `scan` reads delimited text: its first lines, headers between rows, quote marks as text."""
    if is_url(source):
        return ()
    files = expand(source)
    kind = kind_of(files, source)
    if kind not in ("csv", "tsv"):
        return ()
    files, head = _as_usual(files, kind, separator, encoding, header)
    notes = [] if head.note is None else [f"{Path(files[0]).name}: {head.note}."]
    if quoting == "auto":
        notes += [note for file in files if (note := find_quoting(file, head.delimiter).note) is not None]
    again = 0 if head.names else sum(_headers_again(file, head.skip) for file in files)
    if again:
        notes.append(f"{Path(source).name}: the header stands again in {counted(again, 'line')}, left out.")
    return tuple(notes)


def _headers_again(file: str, skip: int) -> int:
    """Count the lines that repeat the header, which stands below `skip` lines."""
    lines = scan_lines(file).slice(skip)
    header = collect(lines.head(1), file)[LINE].to_list()
    return int(collect(lines.select(pl.col(LINE).is_in(header).sum()), file).item()) - len(header)


def scan_json_lines(source: str, fields: Sequence[str]) -> pl.LazyFrame:
    """Scan some fields of JSON lines as text; nested values are JSON, missing ones null. Files may be compressed."""
    files = [escape(file) for file in within_budget(expand(source))]
    return pl.scan_ndjson(files, schema=dict.fromkeys(fields, pl.String))


def scan_lines(source: str, *, encoding: str = "utf-8") -> pl.LazyFrame:
    """Scan text as one column, ``line``, without interpreting it."""
    if encoding != "utf-8":
        files = expand(source)
        return from_batches(lambda: text_batches(files, encoding, LINE), {LINE: pl.String})
    # This separator does not occur in text, so each line is one field.
    return pl.scan_csv(
        within_budget(expand(source)),
        separator="\x1e",
        quote_char=None,
        has_header=False,
        new_columns=[LINE],
        infer_schema=False,
        glob=False,
    )


def scan_fields(source: str, separator: str, names: Sequence[str], *, encoding: str = "utf-8") -> pl.LazyFrame:
    """Scan lines with fields separated by any text (``::``), without quoting; the names are for the first fields.

    Missing fields at the end of a line are null.
    """
    fields = pl.col(LINE).str.split_exact(separator, len(names) - 1).struct.rename_fields(list(names))
    return scan_lines(source, encoding=encoding).select(fields.alias("fields")).unnest("fields")


def _scan_files(
    files: list[str], kind: str, separator: str | None, encoding: str, quoting: Quoting, header: Header
) -> pl.LazyFrame:
    if kind == "parquet":
        hive = any("=" in file for file in files)
        return pl.scan_parquet(parquet_within_budget(files), hive_partitioning=hive, glob=False)
    if kind == "arrow":
        return pl.scan_ipc(files, glob=False)
    files = within_budget(files)
    for file in files:
        check_text(file, encoding, kind)
    if kind == "json":
        return _scan_json(files)
    try:
        files, head = _as_usual(files, kind, separator, encoding, header)
        if quoting == "auto":
            found = [find_quoting(file, head.delimiter) for file in files]
            quoting = "none" if any(one.quoting == "none" for one in found) else "double"
            if quoting == "double" and any(one.escaped for one in found):
                files = _copies(files, "utf-8-sig", swap=(ESCAPED, 2 * MARK))
        return _scan_delimited(files, head, quoting)
    except InputError as error:
        raise of_original(error) from None


def _as_usual(
    files: list[str], kind: str, separator: str | None, encoding: str, header: Header
) -> tuple[list[str], Head]:
    """Return the files in UTF-8 with usual line ends, delimiters and quote marks, copied if need be; and their head.

    Usual delimiters have one sign, and marks stand right behind them.
    """
    if not _is_utf8(encoding):
        files = _copies(files, encoding)
    head = find_head(files[0], separator or ("\t" if kind == "tsv" else None), header)
    check_columns(files[0], head.delimiter)
    if head.old_lines or len(head.delimiter) > 1:
        swap = (head.delimiter, UNUSED) if len(head.delimiter) > 1 else None
        files = _copies(files, "utf-8-sig", None if head.old_lines else "\n", swap)
        head = replace(head, delimiter=UNUSED if len(head.delimiter) > 1 else head.delimiter)
    if head.spaced:
        files = _copies(files, "utf-8-sig", swap=(f"{head.delimiter} {MARK}", f"{head.delimiter}{MARK}"))
    return files, head


def _scan_delimited(files: list[str], head: Head, quoting: Quoting) -> pl.LazyFrame:
    if len(files) > 1 and head.names is None:
        names = [schema_of(_scan_alike([file], head, quoting), file) for file in files]
        for file, there in zip(files, names, strict=True):
            if set(there) != set(names[0]):
                raise DataError(
                    f"has other columns than {files[0]}: {', '.join(there)[:200]}",
                    location=file,
                    hint="Begin each file with the same header, or name one kind of file by a pattern, such as "
                    "'orders*.csv'",
                    code="columns-differ",
                )
        if any(list(there) != list(names[0]) for there in names):
            return pl.concat([_scan_alike([file], head, quoting).select(list(names[0])) for file in files])
    return _scan_alike(files, head, quoting)


def _scan_alike(files: list[str], head: Head, quoting: Quoting) -> pl.LazyFrame:
    table = pl.scan_csv(
        files,
        separator=head.delimiter,
        infer_schema=False,
        glob=False,
        quote_char=None if quoting == "none" else head.mark,
        skip_lines=head.skip,
        has_header=head.names is None,
        new_columns=head.names,
    )
    return unquote(table, list(schema_of(table, files[0]))) if quoting == "none" else table


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def _check_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise SettingsError(
            str(error),
            location="options.encoding",
            hint="Name one such as utf-8, latin-1, cp1252 or utf-16",
            code="encoding",
        ) from error


def _scan_json(files: list[str]) -> pl.LazyFrame:
    """Scan JSON lines by the types of all rows: a number here and a word there are text.

    Integers, and what is always empty, are text too, for what other files hold in their place.
    """
    copies = [as_lines(file) for file in files]
    check_columns(copies[0], '":', location=files[0])
    tables = []
    for file, copy in zip(files, copies, strict=True):
        stat = Path(copy).stat()
        tables.append(pl.scan_ndjson(escape(copy), schema=_json_types(copy, file, (stat.st_size, stat.st_mtime_ns))))
    return pl.concat(tables, how=OTHER_KEYS) if len(tables) > 1 else tables[0]


OTHER_KEYS: Literal["diagonal_relaxed"] = "diagonal_relaxed"
"""How polars puts tables together whose columns or types differ."""


@lru_cache(maxsize=64)
def _json_types(copy: str, location: str, _version: tuple[int, int]) -> dict[str, PolarsType]:
    types = schema_of(pl.scan_ndjson(escape(copy), infer_schema_length=None), location)
    return {name: _text_like(dtype) or dtype for name, dtype in types.items()}


def _text_like(dtype: PolarsType | DataTypeClass) -> PolarsType | None:
    """Return the type with text in place of integers and nulls; None if it has neither."""
    if isinstance(dtype, pl.List):
        inner = _text_like(dtype.inner)
        return None if inner is None else pl.List(inner)
    return pl.String if dtype == pl.Null or dtype.is_integer() else None


def _copies(
    files: list[str], encoding: str, newline: str | None = "\n", swap: tuple[str, str] | None = None
) -> list[str]:
    """Return temporary copies in UTF-8 with usual line ends; one text in them may be swapped for another."""
    stats = [(file, Path(file).stat()) for file in files]
    copies = [_copy(file, encoding, newline, swap, (stat.st_size, stat.st_mtime_ns)) for file, stat in stats]
    for file, copy in zip(files, copies, strict=True):
        note_copy(file, copy)
    return copies


@lru_cache(maxsize=256)
def _copy(
    file: str, encoding: str, newline: str | None, swap: tuple[str, str] | None, _version: tuple[int, int]
) -> str:
    copy = Path(temporary_folder()) / Path(file).name
    try:
        with copy.open("w", encoding="utf-8") as target:
            for batch in text_batches([file], encoding, LINE, newline):
                lines = batch[LINE]
                if swap is not None:
                    lines = lines.str.replace_all(*swap, literal=True)
                target.writelines(f"{line}\n" for line in lines)
    except UnicodeError as error:
        raise DataError(
            f"is not written in {encoding}: {error}", location=file, hint="Set another encoding", code="encoding"
        ) from error
    return str(copy)


UNUSED = "\x1f"
"""The unit separator, which does not occur in text."""
PolarsType: TypeAlias = pl.DataType | type[pl.DataType]

BATCH = 20_000
"""Rows per batch: enough for a small cost per batch, few enough for occasional lines of 1 MB."""


def from_batches(batches: Callable[[], Iterable[pl.DataFrame]], schema: Mapping[str, PolarsType]) -> pl.LazyFrame:
    """Make a lazy table of batches made in Python, for formats that polars cannot scan.

    Args:
        batches: returns frames; called at each collection.
        schema: schema of all frames.
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


def text_batches(
    files: Iterable[str], encoding: str, column: str, newline: str | None = "\n"
) -> Iterator[pl.DataFrame]:
    """Yield the decoded lines of some files in batches of `BATCH`; files may be compressed.

    Args:
        files: the files.
        encoding: of the text.
        column: name of the column.
        newline: what ends a line; None: a line feed, a carriage return or both.
    """
    for file in files:
        with open_text(file) as binary:
            held: list[str] = []
            for line in TextIOWrapper(binary, encoding=encoding, newline=newline):
                held.append(line.rstrip("\r\n"))
                if len(held) == BATCH:
                    yield pl.DataFrame({column: held}, schema={column: pl.String})
                    held = []
            yield pl.DataFrame({column: held}, schema={column: pl.String})
