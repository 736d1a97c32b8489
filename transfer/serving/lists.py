"""Lists of ids in files: one a line, or a column of a table."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from domains.errors import InputError

TABLES = frozenset({".csv", ".parquet"})


def read_ids(file: str | Path | None, column: str = "item_id") -> list[str] | None:
    """Return the ids in a file: a column of a CSV or Parquet table, or the lines of any other file.

    Args:
        file: its path; None gives None.
        column: the column of a table; the first one if there is none of this name.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if file is None:
        return None
    path = Path(file)
    if path.suffix.lower() not in TABLES:
        try:
            return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from None
    table = read_table(path)
    if not table.width:
        return []
    values = table[column if column in table.columns else table.columns[0]]
    return [str(value) for value in values.drop_nulls().to_list()]


def read_table(path: Path) -> pl.DataFrame:
    """Return a CSV table, every value as text, or a Parquet table.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path, glob=False)
        return pl.read_csv(path, infer_schema=False, glob=False)
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    if not path.is_file():
        return InputError("no such file", location=path, hint="Check the path", code="no-file")
    return InputError(
        f"cannot be read: {str(error).splitlines()[0]}",
        location=path,
        hint="Give a CSV or Parquet table, or text with one id a line",
        code="bad-file",
    )
