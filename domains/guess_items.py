"""Guess which columns hold the items and their titles, by how values go together and recur."""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl

from domains.column_names import find_text_columns, usual_column
from domains.column_values import FEW, identifies, is_dated, mostly, rates, recurs, single
from domains.io.columns import find_title

WORDS = r"\pL+\s+\S"
"""Text of several words."""
NO_TITLE = r"^(?:https?://|/|[\w.]+@|\s*[\[{])"
"""Addresses, paths and records."""
KEY = 0.9
"""Share of distinct values in a column that tells the rows apart; a few rows may stand twice."""
MOST = 0.5
"""Share of ids of the interactions that are among the first rows of the items: more than that is no chance."""
ENOUGH = 3
"""Different ids of the interactions, at least, that say more of a key than its name does."""
LETTERS = r"\pL"
TELLS = 0.05
"""Distinct titles per item, at least: editions and sizes share a title."""
LONG = 80
"""Characters; longer texts on average are descriptions."""
DESCRIPTION = re.compile(
    r"desc|text|summary|abstract|body|review|comment|remark|content|detail|url|image|bemerk|beschr"
)
NAME = re.compile(r"name|title|titel|label|bezeichn|nom|titre|titulo|titolo|nazwa|naam|namn")
SEVERAL = 5
"""Titles per value of a column, on average, from which on its values are no ids of items."""
ONE_EACH = 1.1
"""Values of a column per value of another one, on average, up to which the other one is said to determine it."""


def determines(table: pl.DataFrame, name: str, other: str) -> bool:
    """Return whether rows with the same value in a column nearly always have the same one in another column."""
    return name == other or _values_each(table, name, other) <= ONE_EACH


def is_of(table: pl.DataFrame, item: str | None, name: str) -> bool:
    """Return whether a column says something of the items, such as an artist: an item that recurs has one value."""
    return item in table.columns and table.height >= 2 * table[item].n_unique() and determines(table, item, name)


def _all_named(role: str, table: pl.DataFrame) -> list[str]:
    """Return all columns with a usual name of a role, the most usual one first."""
    left, named = dict(table.schema), []
    while name := find_title(left) if role == "title" else usual_column(role, [*left]):
        named.append(name)
        del left[name]
    return named


def item_by_name(table: pl.DataFrame) -> str | None:
    """Return the column with a usual name of items in a table that has titles as well: one with one title an item.

    The number of a line of an order is also called item; what has `SEVERAL` titles a value is none.
    """
    items = _all_named("item", table)
    titles = [name for name in _all_named("title", table) if name not in items]
    telling = (one for one in items if any(determines(table, one, title) for title in titles))
    possible = (one for one in items if not titles or any(_values_each(table, one, name) < SEVERAL for name in titles))
    return next(telling, next(possible, None))


def _values_each(table: pl.DataFrame, name: str, other: str) -> float:
    """Return the number of values of another column per value of a column, on average."""
    return table.select(name, other).n_unique() / max(1, table[name].n_unique())


def title_by_name(table: pl.DataFrame, item: str | None, user: str | None) -> tuple[str | None, list[str]]:
    """Return the column with a usual name of titles in a table that also has users, and such columns that name people.

    An item has one title, and titles have letters: numbers of orders are also called names.
    """
    named = _all_named("title", table)
    fit = [name for name in named if item is None or determines(table, item, name)]
    if item in fit and not _is_like_titles(table, item):
        fit.remove(item)
    people = [name for name in named if name != item and _names_people(table, user, name)]
    if item is not None:
        people = [name for name in people if name not in fit]
    free = [name for name in named if name not in people and name != item]
    lettered = [name for name in fit if name not in people and _has_letters(table[name])]
    return next(iter([*lettered, *free]), None), people


def _names_people(table: pl.DataFrame, user: str | None, title: str) -> bool:
    """Return whether each user of a table has one title, which then is the user's name."""
    return user is not None and table.height > 1.5 * table[user].n_unique() and determines(table, user, title)


def _has_letters(column: pl.Series) -> bool:
    return column.dtype != pl.String or bool(column.str.contains(LETTERS).any())


def _is_like_titles(table: pl.DataFrame, name: str) -> bool:
    return _title_like(table.select(name), set(), set(), 1) is not None


def _counts_rows(column: pl.Series) -> bool:
    """Return whether nearly each row has its own value, as a number of the row or of the order has."""
    return column.drop_nulls().n_unique() > KEY * column.drop_nulls().len()


def item_and_title(
    table: pl.DataFrame, user: str | None, time: str | None, title: str | None
) -> tuple[str | None, str | None, bool]:
    """Return the columns of items and titles in a table that has both, and whether another one is possible.

    An item has one title, and a user has many. Of the columns like that, the one with the fewest values is the item: a
    row or an order has one title as well. If there is none, the title itself identifies the items.
    """
    taken: set[str | None] = {user, time}
    found = title or _title_like(table, taken, set(), 1)
    texts = find_text_columns(table.columns, {*taken, found}).values()  # an author has one title in a small table
    ids = [name for name in table.columns if name not in {*taken, found, *texts} and recurs(table[name])]
    ids = [name for name in ids if not _counts_rows(table[name])]
    if found is None or table[found].n_unique() > table.height / 2:
        return _most_distinct(table, ids, found)
    # Without a user, names of people may be mistaken for titles.
    rival = title is None and user is None and _title_like(table, {*taken, found}, set(), 1) is not None
    titles = table[found].n_unique()
    ids = [name for name in ids if table[name].n_unique() >= titles and determines(table, name, found)]
    return min(ids, key=lambda name: table[name].n_unique(), default=found), found, rival


def _most_distinct(table: pl.DataFrame, ids: list[str], title: str | None) -> tuple[str | None, str | None, bool]:
    """Return the column of items where titles rarely occur twice: the one with most values, rather with one title."""
    ids = [name for name in ids if title is not None and determines(table, name, title)] or ids
    item = max(ids, key=lambda name: table[name].n_unique(), default=title)
    if item is None:
        return None, title, False
    rivals = (name for name in ids if not determines(table, item, name))
    return item, title, any(table[name].n_unique() >= table[item].n_unique() / 2 for name in rivals)


def title_of(
    things: pl.DataFrame, key: str | None, taken: set[str | None], texts: set[str], one_table: bool
) -> str | None:
    """Return the column most like titles; in one table an item has one title, or its id is its title."""
    n_items = things.height if key is None else things[key].n_unique()
    if key is None or not one_table:
        return _title_like(things, taken, texts, n_items)
    several = {name for name in things.columns if not determines(things, key, name)}
    return _title_like(things, taken | several, texts, n_items) or _title_like(things.select(key), set(), set(), 1)


def kinds_of_items(things: pl.DataFrame, key: str | None, taken: Collection[str | None], one_table: bool) -> list[str]:
    """Return the columns that could be categories: words, of which each stands with several items.

    Args:
        things: rows of items.
        key: the column of their ids; None if there is none yet.
        taken: columns with another role.
        one_table: whether they are rows of interactions, where an item has one value of what says something of it.
    """
    found = []
    for name in things.columns:
        column = single(things[name]).drop_nulls()
        recurring = 1 < column.n_unique() <= len(column) / 2
        words = mostly(column, LETTERS) and not mostly(column, NO_TITLE) and not is_dated(column)
        of_items = not one_table or (key is not None and is_of(things, key, name))
        if name not in taken and recurring and words and of_items:
            found.append(name)
    return found


def shared_name(
    acts: pl.DataFrame, things: pl.DataFrame, taken: set[str | None], named: tuple[str | None, str | None]
) -> str | None:
    """Return the column that both files have and that tells the items apart; None if there is no such column.

    Args:
        acts: rows of interactions.
        things: rows of items.
        taken: columns with another role.
        named: the columns of items in both files with usual names; they stay unless they share few values.
    """
    both = [name for name in acts.columns if name in things.columns and name not in taken and identifies(things[name])]
    keys = [name for name in both if things[name].n_unique() >= KEY * things.height and identifies(acts[name])]
    key = keys[0] if len(keys) == 1 else usual_column("item_key", keys)
    if key is None or acts.columns == things.columns or named == (None, None):
        return key if acts.columns != things.columns else None
    item, other = named
    as_named = _shared(acts[item], things[other]) if item is not None and other is not None else 0.0
    share = _shared(acts[key], things[key])
    return key if _is_better(share, as_named) else None


def closer_key(ids: pl.Series, things: pl.DataFrame, named: str) -> str:
    """Return the column of items whose values are ids of the interactions: the named one, unless another fits better.

    A catalogue has several numbers with usual names: that of the shop, an EAN, an ISBN.
    """
    if ids.drop_nulls().n_unique() < ENOUGH:
        return named
    shares = {name: _shared(ids, things[name]) for name in things.columns if identifies(things[name])}
    best = max(shares, key=lambda name: shares[name], default=named)
    return best if _is_better(shares.get(best, 0.0), shares.get(named, 0.0)) else named


def _is_better(share: float, as_named: float) -> bool:
    """Whether a column has so many more of the ids than the one with a usual name that it is the key."""
    return share > MOST and share > 2 * as_named


def _shared(ids: pl.Series, there: pl.Series) -> float:
    """Return the share of distinct values that occur in another column as well."""
    different = single(ids).cast(pl.String).drop_nulls().unique()
    return float(different.is_in(single(there).cast(pl.String).unique().implode()).mean() or 0)  # type: ignore[arg-type]


def shared_texts(acts: pl.DataFrame, things: pl.DataFrame) -> tuple[str, str] | tuple[None, None]:
    """Return two columns of text, one of each file, of which the first mostly has values of the second, a key."""
    keys = [name for name in things.columns if things[name].n_unique() >= KEY * things.height]
    ids, keys = (
        [name for name in names if mostly(table[name], LETTERS)]
        for table, names in ((acts, acts.columns), (things, keys))
    )
    pair, _ = shared_values(acts.select(ids), things.select(keys))
    enough = pair[0] is not None and _shared(acts[pair[0]], things[pair[1]]) > MOST
    return pair if enough else (None, None)


def shared_values(acts: pl.DataFrame, things: pl.DataFrame) -> tuple[tuple[str, str] | tuple[None, None], bool]:
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
