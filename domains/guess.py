"""Guess the role of each column from the first rows of two files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from domains.column_names import find_text_columns, plain_name
from domains.column_values import EMAIL, FEW, MANY, identifies, is_dated, mostly, rates, recurs, single, time_parts
from domains.errors import DataError, Problems
from domains.io.collect import collect
from domains.io.columns import PLUS, find_column, find_title
from domains.io.own_tables import scan_own
from domains.settings import ColumnMapping

HEAD = 1000
"""Number of rows to read."""
SEPARATORS = (";", ",", ">", "/")
"""Possible separators of categories besides the default bar."""
WORDS = r"\pL+\s+\S"
"""Text of several words."""
NO_TITLE = r"^(?:https?://|/|[\w.]+@|\s*[\[{])"
"""Addresses, paths and records."""
MANY_COLUMNS = 10
"""A file of interactions with more columns may be a matrix of users by items."""
KEY = 0.9
"""Share of distinct values in a column that tells the items apart; a few rows may stand twice."""
TELLS = 0.05
"""Distinct titles per item, at least: editions and sizes share a title."""
EXAMPLE = 24
"""Characters of a value that is shown."""
LONG = 80
"""Characters; longer texts on average are descriptions."""
DESCRIPTION = re.compile(
    r"desc|text|summary|abstract|body|review|comment|remark|content|detail|url|image|bemerk|beschr"
)
NAME = re.compile(r"name|title|titel|label|bezeichn|nom|titre|titulo|titolo|nazwa|naam|namn")
PERSON = re.compile(
    r"user|cust|client|member|patron|borrow|reader|listener|viewer|household|visitor|guest|subscriber|account|person|"
    r"player|student|patient|shopper|buyer|reviewer|kunde|nutzer|leser|utilisat|usuario|utente|klant|klient"
)
"""A column whose name says that it holds people."""
ONE_EACH = 1.1
"""Values of a column per value of another one, on average, up to which the other one is said to determine it."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The columns that seem to play each role.

    Attributes:
        columns: one name for each role; None if no column fits.
        by_name: roles found by a usual name. The others were found by values: ask the user to confirm.
        unsure: roles that several columns fit equally well: ask the user.
        interactions: all columns of the file of interactions, each with a value of it.
        items: all columns of the file of items, with values.
    """

    columns: ColumnMapping
    by_name: frozenset[str]
    unsure: frozenset[str]
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
    acts, things = heads
    _check_roles(acts, things, interactions, items)
    there = {"user": acts, "item": acts, "item_key": things, "time": acts, "title": things, "categories": things}
    named = {role: _named(role, table.columns) for role, table in there.items() if role not in given}
    key = given.get("item_key") or named.get("item_key")
    if "title" in named:
        named["title"] = find_title({name: kind for name, kind in things.schema.items() if name != key})
    by_name = frozenset(role for role, name in named.items() if name is not None)
    found: dict[str, str | None] = {**dict.fromkeys(there), **named, **given}
    rival = False
    found["user"] = found["user"] or _person(acts, {*given.values(), *named.values()})
    one_table = interactions == items
    if found["item"] is None and found["item_key"] is None and one_table:
        nameless = acts
        if "title" not in given and _names_people(acts, found["user"], found["title"]):
            nameless = acts.drop(str(found["title"]))
            found["title"], by_name = None, by_name - {"title"}
        item, title, rival = _item_and_title(nameless, found["user"], found["time"], found["title"])
        found["item"] = found["item_key"] = item
        found["title"] = found["title"] or (title if item == title else None)
    if found["item"] is None and found["item_key"] is None:
        found["item"] = found["item_key"] = _shared_name(acts, things, {found["user"], found["time"]})
    if found["item"] is None or found["item_key"] is None:
        free = [name for name in acts.columns if name not in {found["user"], found["time"]}]
        item, key = found["item"], found["item_key"]
        pair, rival = _shared_values(
            acts.select([item] if item in acts.columns else free),
            things.select([key] if key in things.columns else things.columns),
        )
        found["item"], found["item_key"] = item or pair[0], key or pair[1]
    taken = {found["user"], found["item"], found["time"]}
    found["time"] = found["time"] or next(
        (name for name in acts.columns if name not in taken and is_dated(acts[name])), None
    )
    parts = time_parts(acts, found["time"]) if "time" not in given else []
    if parts:
        found["time"], by_name = PLUS.join(parts), by_name | {"time"}
    taken |= {found["time"], *parts}
    recurring = [name for name in acts.columns if name not in taken and recurs(acts[name])]
    left = [name for name in recurring if not _is_of(acts, found["item"], name)]
    many = [name for name in left if acts.height < MANY or acts[name].n_unique() > FEW]
    left = many or left  # a kind of event has few values, and so may users have in rows sorted by them
    doubts = {"user": found["user"] is None and (len(left) > 1 or not many), "item": rival}
    unsure = frozenset(role for role, doubt in doubts.items() if doubt)
    found["user"] = found["user"] or max(left, key=lambda name: acts[name].n_unique(), default=None)
    taken = {found["item_key"] or found["item"], found["title"], found["categories"]}
    texts = find_text_columns(things.columns, taken)
    if found["title"] is None:
        found["title"] = _title_of(things, found["item_key"], taken, set(texts.values()), one_table)
        texts = {field: name for field, name in texts.items() if name != found["title"]}
    if found["item_key"] == found["item"]:
        found["item_key"] = None
    roles: dict[str, Any] = dict(found)
    columns = ColumnMapping(**roles, text=texts or None)
    return Guess(columns=columns, by_name=by_name, unsure=unsure, interactions=_examples(acts), items=_examples(things))


def _examples(table: pl.DataFrame) -> dict[str, str]:
    """Return the first value of each column, as text of at most `EXAMPLE` characters."""
    return {name: str(table[name].drop_nulls().first())[:EXAMPLE] for name in table.columns}


def _check_roles(acts: pl.DataFrame, things: pl.DataFrame, interactions: str, items: str) -> None:
    """Raise if the two files are swapped, or if the interactions have a column for each item."""
    if interactions != items and _named("user", things.columns) and not _named("user", acts.columns):
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
            raise DataError(
                f"has a column for each item, such as {acts.columns[int(columns.arg_max() or 0)]!r}",
                location=interactions,
                hint="Write one row for each user and item, for example with pandas: table.melt(id_vars=...)",
                code="matrix",
            )


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
    """Return the only column that holds people, by its name or as e-mail addresses; None if there is no such column."""
    free = [name for name in acts.columns if name not in taken and recurs(acts[name])]
    people = [name for name in free if PERSON.search(plain_name(name)) or mostly(acts[name], EMAIL)]
    return people[0] if len(people) == 1 else None


def _names_people(acts: pl.DataFrame, user: str | None, title: str | None) -> bool:
    """Return whether each user of a table has one title, which then is the user's name."""
    if user is None or title is None:
        return False
    return acts.height > 1.5 * acts[user].n_unique() and _determines(acts, user, title)


def _determines(table: pl.DataFrame, name: str, other: str) -> bool:
    """Return whether rows with the same value in a column nearly always have the same one in another column."""
    return name == other or table.select(name, other).n_unique() <= ONE_EACH * table[name].n_unique()


def _is_of(table: pl.DataFrame, item: str | None, name: str) -> bool:
    """Return whether a column says something of the items, such as an artist: an item that recurs has one value."""
    return item in table.columns and table.height >= 2 * table[item].n_unique() and _determines(table, item, name)


def _item_and_title(
    table: pl.DataFrame, user: str | None, time: str | None, title: str | None
) -> tuple[str | None, str | None, bool]:
    """Return the columns of items and titles in a table that has both, and whether another title is possible.

    An item has one title, and a user has many. If no other column is like that, the title itself identifies the items.
    There is no item if titles rarely occur twice.
    """
    taken: set[str | None] = {user, time}
    found = title or _title_like(table, taken, set(), 1)
    if found is None:
        return None, None, False
    # Without a user, names of people may be mistaken for titles.
    rival = title is None and user is None and _title_like(table, {*taken, found}, set(), 1) is not None
    if table[found].n_unique() > table.height / 2:
        return None, found, rival
    titles = table[found].n_unique()
    ids = (name for name in table.columns if name not in {*taken, found} and recurs(table[name]))
    item = next((name for name in ids if table[name].n_unique() >= titles and _determines(table, name, found)), found)
    return item, found, rival


def _title_of(
    things: pl.DataFrame, key: str | None, taken: set[str | None], texts: set[str], one_table: bool
) -> str | None:
    """Return the column most like titles; in one table an item has one title, or its id is its title."""
    n_items = things.height if key is None else things[key].n_unique()
    if key is None or not one_table:
        return _title_like(things, taken, texts, n_items)
    several = {name for name in things.columns if not _determines(things, key, name)}
    return _title_like(things, taken | several, texts, n_items) or _title_like(things.select(key), set(), set(), 1)


def _shared_name(acts: pl.DataFrame, things: pl.DataFrame, taken: set[str | None]) -> str | None:
    """Return the only column that both files have and that tells the items apart; None if there is no such column."""
    both = [name for name in acts.columns if name in things.columns and name not in taken and identifies(things[name])]
    keys = [name for name in both if things[name].n_unique() >= KEY * things.height and identifies(acts[name])]
    return keys[0] if len(keys) == 1 and acts.columns != things.columns else None


def _shared_values(acts: pl.DataFrame, things: pl.DataFrame) -> tuple[tuple[str, str] | tuple[None, None], bool]:
    """Return the two columns, one of each file, that share most distinct values, and whether another is close.

    Counting rows would mislead: every rating from 1 to 5 also occurs among numeric item ids. Where there are more items
    than ratings, a column of ratings is no item at all.
    """
    keys = {name: things[name].cast(pl.String).unique() for name in things.columns if identifies(things[name])}
    few = things.height <= FEW
    shared = {
        (name, key): int(single(acts[name]).cast(pl.String).unique().is_in(values.implode()).sum())
        for name in acts.columns
        if identifies(single(acts[name])) and (few or not rates(acts[name]))
        for key, values in keys.items()
    }
    best = max(shared, key=lambda pair: shared[pair], default=None)
    if best is None or not shared[best]:
        return (None, None), False
    # Users may be numbered like items.
    rival = any(count >= shared[best] / 2 for (name, _), count in shared.items() if name != best[0])
    return best, rival


def _title_like(table: pl.DataFrame, taken: set[str | None], texts: set[str], n_items: int) -> str | None:
    """Return the column most like titles: many distinct values of several words, short rather than long.

    Args:
        table: rows of items.
        taken: columns with another role.
        texts: columns that are named like another text field, such as a description: only titles if nothing else is.
        n_items: number of items, at least; titles must tell items apart, which a country does not.
    """
    scores: dict[str, tuple[bool, float, float]] = {}
    distinct: dict[str, int] = {}
    for name in table.columns:
        if name in taken or table[name].dtype != pl.String:
            continue
        kept = table[name].drop_nulls()
        different = kept.filter(kept.str.contains(WORDS) & ~kept.str.contains(NO_TITLE)).n_unique()
        if different < TELLS * n_items:
            continue
        length = float(kept.str.len_chars().mean() or 0)  # type: ignore[arg-type]
        long = length > LONG or DESCRIPTION.search(name.lower()) is not None
        score = different / 10 if long else different * (2 if NAME.search(name.lower()) else 1)
        scores[name], distinct[name] = (name not in texts, score, -length), different
    most = max(distinct.values(), default=0)
    telling = [name for name in scores if distinct[name] >= most / 4]
    return max(telling, key=lambda name: scores[name], default=None)
