"""Guess the role of each column from the first rows of two files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from domains.column_values import mostly
from domains.errors import Problems
from domains.guess_checks import check_roles
from domains.guess_roles import OF_INTERACTIONS, RoleFinder
from domains.io.collect import collect
from domains.io.columns import find_column, flat, joined_columns
from domains.io.own_tables import scan_own
from domains.raw_cells import NO_ID
from domains.settings import ColumnMapping

HEAD = 1000
"""Number of rows to read."""
SEPARATORS = (";", ",", ">", "/")
"""Possible separators of categories besides the default bar."""
JSON = r"""^\s*(?:\[\s*)?\{\s*["'].*\}"""
"""A record, or a list of records, as text."""
EXAMPLE = 24
"""Characters of a value that is shown."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The columns that seem to play each role.

    Attributes:
        columns: one name for each role; None if no column fits.
        by_name: roles found by a usual name. The others were found by values: ask the user to confirm.
        unsure: roles that several columns fit equally well: ask the user.
        notes: role -> what to tell of its column if the user takes it.
        records: columns of either file that hold records, lists of them, or JSON as text; the fields of records in
            lists.
        interactions: all columns of the file of interactions, each with a value of it.
        items: all columns of the file of items, with values.
    """

    columns: ColumnMapping
    by_name: frozenset[str]
    unsure: frozenset[str]
    notes: Mapping[str, str]
    records: Mapping[str, Sequence[str]]
    interactions: Mapping[str, str]
    items: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Required roles that no column fits."""
        return tuple(role for role in ("user", "item", "title") if getattr(self.columns, role) is None)


def guess_columns(
    interactions: str,
    items: str,
    given: Mapping[str, str] = MappingProxyType({}),
    *,
    separator: str | None = None,
    encoding: str = "utf-8",
    items_encoding: str | None = None,
) -> Guess:
    """Guess the columns of two files by their names, then by their values.

    Args:
        interactions: path, glob or address of the interactions.
        items: path, glob or address of the items.
        given: known columns by role; they get no other role.
        separator: of delimited text; detected by default.
        encoding: of delimited text.
        items_encoding: of the items, if it is another one.

    Raises:
        InputError: a file cannot be read.
    """
    heads = []
    problems = Problems()
    for source, written in ((interactions, encoding), (items, items_encoding or encoding)):
        with problems.catch():
            table = scan_own(
                source, separator=separator, encoding=written, user=given.get("user"), item=given.get("item")
            )
            heads.append(collect(table.head(HEAD), source))
    problems.check()
    one_table = interactions == items
    _check_there(given, heads[0], heads[1], (interactions, items))
    check_roles(heads[0], heads[1], interactions, items)
    records = {name: _fields(table[name]) for table in heads for name in table.columns if _holds_records(table[name])}
    acts, things = (_with_values(table, given.values()) for table in heads)
    finder = RoleFinder(acts, things, given, one_table)
    finder.find(interactions, items)
    return Guess(
        columns=finder.columns,
        by_name=frozenset(finder.by_name),
        unsure=frozenset(finder.unsure),
        notes=finder.notes,
        records=records,
        interactions=_examples(heads[0]),
        items=_examples(heads[1]),
    )


def _holds_records(column: pl.Series) -> bool:
    """Whether a column holds records, lists of records, or JSON of either as text."""
    kind = column.dtype
    return isinstance(kind.inner if isinstance(kind, pl.List) else kind, pl.Struct) or mostly(column, JSON)


def _fields(column: pl.Series) -> list[str]:
    """Return the fields of records in lists; none of other records, whose fields are columns."""
    kind = column.dtype
    return list(kind.inner.to_schema()) if isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct) else []


def _check_there(given: Mapping[str, str], acts: pl.DataFrame, things: pl.DataFrame, files: tuple[str, str]) -> None:
    """Raise if a file lacks a column that was given."""
    problems = Problems()
    for role, name in given.items():
        table, file = (acts, files[0]) if role in OF_INTERACTIONS else (things, files[1])
        parts = joined_columns(name, table.columns) if role == "time" else [name]
        for part in set(parts) - set(table.columns):
            with problems.catch():
                find_column(role, part, flat(table.schema), file, setting=f"--{role.replace('_', '-')}-column")
    problems.check()


def _with_values(table: pl.DataFrame, given: Collection[str]) -> pl.DataFrame:
    """Return the columns with a value that is no mark of a missing one, and those that were given, without records.

    The fields of a record are columns as well.
    """
    empty = [name for name, kind in table.schema.items() if isinstance(kind, pl.Struct) or _is_empty(table[name])]
    return table.drop([name for name in empty if name not in given]) if table.height else table


def _is_empty(column: pl.Series) -> bool:
    marks = int(column.is_in(NO_ID).sum()) if column.dtype == pl.String else 0
    return column.null_count() + marks == len(column)


def _examples(table: pl.DataFrame) -> dict[str, str]:
    """Return the first value of each column without records, as text of at most `EXAMPLE` characters."""
    return {name: str(table[name].drop_nulls().first())[:EXAMPLE] for name in flat(table.schema)}


def guess_separator(categories: pl.Series) -> str | None:
    """Return the separator of categories in one text: the one whose parts recur most. None if none fits.

    Args:
        categories: (I,) List(String), split at the default separator.
    """
    if categories.dtype != pl.List(pl.String) or (categories.list.len() > 1).any():
        return None
    texts = categories.explode().drop_nulls()
    different = {
        sign: texts.str.split(sign).explode().str.strip_chars().n_unique()
        for sign in SEPARATORS
        if texts.str.contains(sign, literal=True).any()
    }
    best = min(different, key=different.__getitem__, default=None)
    # A sign within a name, as in "Home, Garden", gives more distinct parts than there are texts.
    return best if best is not None and different[best] <= texts.n_unique() else None
