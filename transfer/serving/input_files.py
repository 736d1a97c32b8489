"""Input files of recommendations: lists of ids, and histories of new users or newer than the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from domains.domain import Domain, TimeKind
from domains.errors import InputError
from domains.io.columns import find_column
from domains.io.compressed import parquet_within_budget
from domains.times import to_times
from transfer.serving.history import History

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
            return pl.read_parquet(parquet_within_budget([str(path)])[0], glob=False)
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


@dataclass(frozen=True, eq=False)
class Asked:
    """The users for whom recommendations are requested.

    Attributes:
        history: histories of the users who can get recommendations.
        unanswered: id and problem of each other user.
    """

    history: History
    unanswered: tuple[tuple[str, str], ...] = ()


def users_in(domain: Domain, ids: list[str]) -> Asked:
    """Return the histories of known users by id; unknown ids are unanswered."""
    index = {str(name): place for place, name in enumerate(domain.user_ids.to_pylist())}
    known = [index[name] for name in ids if name in index]
    unknown = tuple((name, "no user of the run has this id") for name in ids if name not in index)
    return Asked(History.of_users(domain, np.array(known, dtype=np.int64)), unknown)


def histories_in(domain: Domain, file: str | Path) -> Asked:
    """Return the histories in a file of interactions, which replaces the run's own histories.

    Rows are ordered by time if there is a column of times, else they keep their order. Unknown items are left out;
    users without a known item are unanswered.

    Args:
        domain: domain of the run.
        file: a CSV or Parquet table with columns of users and items, and optionally of times.

    Raises:
        InputError: the file cannot be read, or a column is missing.
    """
    table = read_table(Path(file))
    user, item = (find_column(role, None, table.columns, file) for role in ("user", "item"))
    time = find_column("time", None, table.columns, file, required=False)
    times = None if time is None else to_times(table[time], kind="auto", unit="auto", location=file)
    order = pl.Series(np.arange(len(table))) if times is None else times.values
    ids = pl.DataFrame(
        {"item": [str(name) for name in domain.item_ids.to_pylist()], "place": np.arange(domain.n_items)},
        schema={"item": pl.String, "place": pl.Int64},
    )
    rows = table.select(
        pl.col(str(user)).cast(pl.String).alias("user"), pl.col(str(item)).cast(pl.String).alias("item")
    )
    rows = rows.with_columns(time=order).drop_nulls(["user", "item"]).join(ids, on="item", how="left")
    people = rows["user"].unique(maintain_order=True)
    known = rows.filter(pl.col("place").is_not_null()).sort("time", maintain_order=True)
    if not domain.repeats:
        known = known.unique(["user", "place"], keep="last", maintain_order=True)
    grouped = known.group_by("user").agg("place", "time")
    grouped = pl.DataFrame({"user": people}).join(grouped, on="user", how="inner", maintain_order="left")
    nobody = people.filter(~people.is_in(grouped["user"].implode()))
    lengths = grouped["place"].list.len().to_numpy()
    found = replace(
        domain,
        user_ids=pa.array(grouped["user"].to_list(), pa.large_string()),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=grouped["place"].explode().to_numpy().astype(np.int32) if len(grouped) else np.empty(0, np.int32),
        times=grouped["time"].explode().to_numpy().astype(np.int64) if len(grouped) else np.empty(0, np.int64),
        time_kind=TimeKind.ORDER if times is None else times.kind,
    )
    return Asked(History(found), tuple((name, "the run knows none of the items") for name in nobody.to_list()))


def has_histories(file: Path) -> bool:
    """Return whether a file has columns of users and items, and so is a table of interactions, not a list of users."""
    if file.suffix.lower() not in TABLES:
        return False
    columns = read_table(file).columns
    return all(find_column(role, None, columns, file, required=False) is not None for role in ("user", "item"))
