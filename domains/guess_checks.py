"""Tell two files that are swapped, and files that hold no rows of who did what."""

from __future__ import annotations

import polars as pl

from domains.column_names import usual_column
from domains.column_values import identifies
from domains.errors import DataError
from domains.io.columns import FEW, MANY_COLUMNS, MELT, cells, has_cells
from domains.items import listed_ids, several_ids


def check_roles(acts: pl.DataFrame, things: pl.DataFrame, interactions: str, items: str) -> None:
    """Raise if the two files are swapped, or if the interactions have a column for each item."""
    if interactions != items and usual_column("user", things.columns) and not usual_column("user", acts.columns):
        raise DataError(
            f"holds the users, and {interactions} does not: the two files may be swapped",
            location=items,
            hint="Give the file of who did what with --interactions and the file of titles with --items",
            code="swapped",
        )
    for key in things.columns if len(acts.columns) > MANY_COLUMNS else ():
        if not identifies(things[key]):
            continue
        columns = pl.Series(acts.columns).is_in(things[key].cast(pl.String).unique().implode())
        if columns.sum() > len(acts.columns) / 2:
            raise _matrix(acts.columns[int(columns.arg_max() or 0)], interactions)
    if has_cells(acts) and acts.height > FEW and not usual_column("item", acts.columns):
        numbers = cells(acts)
        ids = [name for name in acts.columns if name not in numbers and identifies(acts[name])]
        if ids and all(acts[name].n_unique() == acts.height for name in ids):  # each user has one row
            raise _matrix(numbers[0], interactions)


def _matrix(column: str, location: str) -> DataError:
    problem = f"has a column for each item, such as {column!r}"
    return DataError(problem, location=location, hint=MELT, code="matrix")


def check_items(things: pl.DataFrame, user: str | None, key: str | None, interactions: str, items: str) -> None:
    """Raise if the file of items describes the users: it has their column, and none for the items."""
    if key is None and user in things.columns and interactions != items:
        raise DataError(
            f"describes users ({user}), not items: no column holds the items of {interactions}",
            location=items,
            hint="Give the file with the titles of the items. If the interactions have them, leave this file out",
            code="swapped",
        )


def check_cells(acts: pl.DataFrame, things: pl.DataFrame, location: str) -> None:
    """Raise if a column holds several items of the other file in one cell: ``12 45``."""
    texts = [name for name in acts.columns if acts[name].dtype == pl.String]
    keys = [things[name].cast(pl.String).drop_nulls().unique() for name in things.columns if identifies(things[name])]
    for name in texts:
        ids = acts[name].drop_nulls().unique()
        for there in keys:
            other = ids.filter(~ids.is_in(there.implode()))
            listed = listed_ids(other, there)
            if len(listed) > max(1, len(other) / 2):
                raise several_ids(listed, len(ids), location)
