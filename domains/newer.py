"""Newer interactions and new items of a domain, read in the way its own were read."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from domains.errors import Problems
from domains.interactions import Interactions, read_interactions
from domains.io.collect import schema_of
from domains.io.columns import find_column, joined_columns, map_interactions
from domains.io.encodings import guess_encoding
from domains.io.own_tables import one_item_per_row
from domains.keep import parse_keep
from domains.loaders.table_files import TableOptions, scan_table
from domains.preparation import Log, in_order
from domains.raw_tables import RawTables
from domains.settings import ColumnMapping, PrepareSettings
from domains.spec import DomainSpec


@dataclass(frozen=True)
class Reading:
    """How the tables of a domain were read: delimiter and encoding, columns, rows that count, times.

    Attributes:
        options: of the loader ``table``; its defaults if the domain has another loader.
        settings: of the preparation.
    """

    options: TableOptions
    settings: PrepareSettings

    @classmethod
    def of(cls, spec: DomainSpec | None = None) -> Reading:
        """Return how a domain with this description was read; without one, columns have their usual names."""
        given = {} if spec is None or spec.loader != "table" else spec.options
        options = TableOptions.model_validate({**given, "interactions": "-", "items": "-"})
        return cls(options, PrepareSettings() if spec is None else spec.prepare)

    def scan_interactions(self, source: str) -> pl.LazyFrame:
        """Scan a table of interactions.

        Raises:
            InputError: it cannot be read.
        """
        return self._scan(source, self.options.encoding)

    def scan_items(self, source: str) -> pl.LazyFrame:
        """Scan a table of items.

        Raises:
            InputError: it cannot be read.
        """
        return self._scan(source, self.options.items_encoding or self.options.encoding)

    def _scan(self, source: str, encoding: str) -> pl.LazyFrame:
        # A file may have left the run's encoding for UTF-8, which cannot be mistaken for another one.
        other = guess_encoding(source)
        if other is None or encoding == "utf-8":
            encoding = other or "utf-8"
        return scan_table(source, self.options, encoding)

    def columns_in(self, table: pl.LazyFrame, location: str) -> ColumnMapping:
        """Return the columns of the domain that a table has; others are found by their usual names."""
        there = schema_of(table, location)
        found: dict[str, object] = {}
        for role, given in self.options.columns:
            if isinstance(given, dict):
                found[role] = {field: name for field, name in given.items() if name in there}
            elif given is not None and set(joined_columns(given, there)) <= set(there):
                found[role] = given
        return ColumnMapping.model_validate(found)


def are_interactions(source: str, reading: Reading) -> bool:
    """Return whether a table has columns of users and of items.

    Raises:
        InputError: it cannot be read.
    """
    table = reading.scan_interactions(source)
    there, columns = list(schema_of(table, source)), reading.columns_in(table, source)
    given = {"user": columns.user, "item": columns.item}
    return all(find_column(role, name, there, source, required=False) for role, name in given.items())


def read_newer(source: str, reading: Reading) -> tuple[Interactions, Log]:
    """Read a table of interactions, sorted by user and time; without a column of times, rows keep their order.

    A row without user, item or time is left out, and a note counts these rows. `keep` applies where the table has its
    columns.

    Raises:
        InputError: the table cannot be read, a column is missing, or no row is left.
    """
    table = reading.scan_interactions(source)
    mapped = one_item_per_row(map_interactions(table, reading.columns_in(table, source), source), "item_id", source)
    given, lower = reading.settings, {name.lower() for name in schema_of(table, source)}
    keep = tuple(text for text in given.keep if {one.column.lower() for one in parse_keep((text,))} <= lower)
    timed = "timestamp" in schema_of(mapped, source)
    settings = given.model_copy(
        update={"missing": "drop", "keep": keep, "time_kind": given.time_kind if timed else "order"}
    )
    problems = Problems()
    raw = RawTables(interactions=mapped, items=mapped, name="newer", interactions_location=source)
    acts = read_interactions(raw, settings, problems)
    problems.check()
    return acts, in_order(acts, settings.ties)
