"""Guess the role of each column from the first rows of two files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from domains.column_names import find_text_columns, plain_name
from domains.column_values import EMAIL, FEW, MANY, mostly, recurs, time_parts
from domains.errors import Problems
from domains.guess_checks import check_cells, check_items, check_roles
from domains.guess_items import (
    closer_key,
    determines,
    is_of,
    item_and_title,
    item_by_name,
    kinds_of_items,
    shared_name,
    shared_texts,
    shared_values,
    title_by_name,
    title_of,
)
from domains.guess_time import time_columns
from domains.io.collect import collect
from domains.io.columns import PLUS, find_column, find_title, flat
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
PERSON = re.compile(
    r"user|cust|client|member|patron|borrow|reader|listener|viewer|household|visitor|guest|subscriber|account|person|"
    r"player|student|patient|shopper|buyer|reviewer|kunde|nutzer|leser|utilisat|usuario|utente|klant|klient"
)
"""A column whose name says that it holds people."""
BASKET = re.compile(
    r"(?:^|_)(?:id)?(?:order|basket|cart|trans|transaction|invoice|receipt|bill|ticket|visit|session|bestellung|bestell|"
    r"rechnung|rechnungs|bon|warenkorb|commande|panier|facture|pedido|factura|ordine|fattura|bestelling|zamowienia)"
    r"_?(?:id|no|nr|num|number|nummer|code|key|ref|name)?$"
)
"""A column whose name says that it holds baskets."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The columns that seem to play each role.

    Attributes:
        columns: one name for each role; None if no column fits.
        by_name: roles found by a usual name. The others were found by values: ask the user to confirm.
        unsure: roles that several columns fit equally well: ask the user.
        notes: role -> what to tell of its column if the user takes it.
        records: columns of either file that hold records, lists of them, or JSON as text.
        interactions: all columns of the file of interactions, each with a value of it.
        items: all columns of the file of items, with values.
    """

    columns: ColumnMapping
    by_name: frozenset[str]
    unsure: frozenset[str]
    notes: Mapping[str, str]
    records: frozenset[str]
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
            table = scan_own(source, separator=separator, encoding=written)
            heads.append(collect(table.head(HEAD), source))
    problems.check()
    one_table = interactions == items
    check_roles(heads[0], heads[1], interactions, items)
    records = frozenset(name for table in heads for name in table.columns if _holds_records(table[name]))
    acts, things = (_with_values(table, given.values()) for table in heads)
    key = given.get("item") or given.get("item_key")
    if one_table and key is not None:
        given = {"item": key, "item_key": key, **given}
    there = {"user": acts, "item": acts, "item_key": things, "time": acts, "title": things, "categories": things}
    named = {role: _named(role, table.columns) for role, table in there.items() if role not in given}
    if one_table:
        named |= dict.fromkeys({"item", "item_key"} & named.keys(), item_by_name(acts))  # an `id` may be the row's
    found: dict[str, str | None] = {**dict.fromkeys(there), **named, **given}
    found["user"] = found["user"] or _person(acts, {*given.values(), named.get("item"), named.get("time")})
    nameless = acts
    if "title" in named and one_table:
        found["title"], people = title_by_name(acts, found["item"], found["user"])
        nameless = acts.drop(people)
    elif "title" in named:
        found["title"] = find_title({name: kind for name, kind in things.schema.items() if name != found["item_key"]})
    by_name = frozenset(role for role in named if found[role] is not None and (role != "user" or named["user"]))
    rival = False
    if one_table and found["item"] is None:
        item, title, rival = item_and_title(nameless, found["user"], found["time"], found["title"])
        found["item"] = found["item_key"] = item
        found["title"] = found["title"] or (title if item == title else None)
    if not one_table and not {"item", "item_key"} & given.keys():
        both = shared_name(acts, things, {found["user"], found["time"]}, (found["item"], found["item_key"]))
        if both is not None:
            found["item"] = found["item_key"] = both
            by_name = by_name | {"item", "item_key"} if _named("item", [both]) else by_name - {"item", "item_key"}
        elif found["item"] is not None and found["item_key"] is not None:
            key = closer_key(acts[found["item"]], things, found["item_key"])
            if key != found["item_key"] and not _named("item_key", [key]):
                by_name = by_name - {"item_key"}
            found["item_key"] = key
    if found["item"] is None or found["item_key"] is None:
        free = [name for name in acts.columns if name not in {found["user"], found["time"]}]
        keys = [name for name in things.columns if name != found["user"]]
        item, key = found["item"], found["item_key"]
        pair, rival = shared_values(
            acts.select([item] if item in acts.columns else free),
            things.select([key] if key in things.columns else keys),
        )
        if key in named.values() and item is None and pair == (None, None):
            pair = shared_texts(acts.select(free), things.select(keys))
            key = pair[1] or key
        found["item"], found["item_key"] = item or pair[0], key or pair[1]
    if found["item"] is None and not one_table:
        free = [name for name in acts.columns if name not in {found["user"], found["time"]}]
        check_cells(acts.select(free), things, interactions)
    check_items(things, found["user"], found["item_key"], interactions, items)
    taken = {found["user"], found["item"], found["time"]}
    times = [] if found["time"] else time_columns(acts, taken, found["item"], found["user"])
    found["time"] = found["time"] or next(iter(times), None)
    parts = time_parts(acts, found["time"]) if "time" not in given else []
    notes = {"time": _of_times(times)} if len(times) > 1 and not parts else {}
    if parts:
        found["time"], by_name = PLUS.join(parts), by_name | {"time"}
    taken |= {found["time"], *parts}
    recurring = [name for name in acts.columns if name not in taken and recurs(acts[name])]
    left = [name for name in recurring if not is_of(acts, found["item"], name)]
    many = [name for name in left if acts.height < MANY or acts[name].n_unique() > FEW]
    left = many or left  # a kind of event has few values, and so may users have in rows sorted by them
    doubts = {"user": found["user"] is None and (len(left) > 1 or not many), "item": rival}
    unsure = frozenset(role for role, doubt in doubts.items() if doubt)
    found["user"] = found["user"] or max(left, key=lambda name: acts[name].n_unique(), default=None)
    if "user" not in given and BASKET.search(plain_name(found["user"] or "")):
        notes["user"] = _of_baskets(str(found["user"]))
    taken = {found["item_key"] or found["item"], found["title"], found["categories"]}
    texts = find_text_columns(things.columns, taken)
    if found["title"] is None:
        found["title"] = title_of(things, found["item_key"], taken, set(texts.values()), one_table)
        texts = {field: name for field, name in texts.items() if name != found["title"]}
    if found["categories"] is None:
        taken = {*found.values(), *texts.values(), *parts}
        kinds = kinds_of_items(things, found["item_key"] or found["item"], taken, one_table)
        notes |= {"categories": _of_kinds(kinds)} if kinds else {}
    if found["item_key"] == found["item"]:
        found["item_key"] = None
    roles: dict[str, Any] = dict(found)
    columns = ColumnMapping(**roles, text=texts or None)
    return Guess(
        columns=columns,
        by_name=by_name,
        unsure=unsure,
        notes=notes,
        records=records,
        interactions=_examples(heads[0]),
        items=_examples(heads[1]),
    )


def _holds_records(column: pl.Series) -> bool:
    """Whether a column holds records, lists of records, or JSON of either as text."""
    kind = column.dtype
    return isinstance(kind.inner if isinstance(kind, pl.List) else kind, pl.Struct) or mostly(column, JSON)


def _of_times(times: Sequence[str]) -> str:
    others = " and ".join(times[1:])
    return f"{times[0]} is taken for the time, and {others} may be it as well. Choose with --time-column."


def _of_kinds(columns: Sequence[str]) -> str:
    which = "it says" if len(columns) == 1 else "one of them says"
    return f"Not used: {', '.join(columns)}. If {which} of what kind an item is, name it with --categories-column."


def _of_baskets(user: str) -> str:
    return (
        f"Each {user} is taken for a person, so recommendations are for baskets. If a column holds customers, name it "
        "with --user-column."
    )


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


def _named(role: str, columns: list[str]) -> str | None:
    return find_column(role, None, columns, "", required=False)


def _person(acts: pl.DataFrame, taken: set[str | None]) -> str | None:
    """Return the column that holds people, by its name or as e-mail addresses; None if none does, or several differ."""
    free = [name for name in acts.columns if name not in taken and recurs(acts[name])]
    people = [name for name in free if PERSON.search(plain_name(name)) or mostly(acts[name], EMAIL)]
    agree = all(determines(acts, people[0], name) and determines(acts, name, people[0]) for name in people[1:])
    return people[0] if people and agree else None
