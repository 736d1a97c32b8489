"""Files -> lazy tables, by the ending of their name."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from domains.errors import InputError
from domains.loaders.paths import is_url

DELIMITERS = ",\t;|"


def scan(source: str, *, separator: str | None = None) -> pl.LazyFrame:
    """A lazy table over a file, a glob or a folder of Parquet files.

    Text formats are read as text throughout, so that ``007`` stays ``007``.

    Raises:
        InputError: nothing is there, or the ending is unknown.
    """
    path = Path(source)
    if not path.exists() and not any(sign in source for sign in "*?[") and not is_url(source):
        raise InputError(
            "no such file", place=source, mend="Check the path; relative paths start at the recipe's folder"
        )
    endings = [ending.lower() for ending in path.suffixes]
    kind = next((ending for ending in reversed(endings) if ending not in {".gz", ".zst", ".zip"}), "")
    if kind in {".parquet", ".pq"} or path.is_dir():
        return pl.scan_parquet(source)
    if kind in {".jsonl", ".ndjson", ".json"}:
        return pl.scan_ndjson(source)
    if kind in {".arrow", ".feather", ".ipc"}:
        return pl.scan_ipc(source)
    if kind in {".csv", ".tsv", ".txt", ".tab"}:
        delimiter = separator or ("\t" if kind in {".tsv", ".tab"} else _delimiter(path))
        return pl.scan_csv(source, separator=delimiter, infer_schema=False)
    raise InputError(
        f"files that end in {kind or 'nothing'!r} are not known",
        place=source,
        mend="Name it .csv, .tsv, .parquet, .jsonl or .arrow, with or without .gz",
    )


def _delimiter(path: Path) -> str:
    """The known delimiter that the first line holds most often."""
    if not path.is_file() or path.suffix == ".gz":
        return ","
    with path.open(encoding="utf-8", errors="replace") as lines:
        head = lines.readline()
    return max(DELIMITERS, key=head.count)
