"""Fill the roles of columns one after another: by usual names first, then by values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from domains.column_names import find_text_columns, plain_name, usual_column
from domains.column_values import EMAIL, FEW, MANY, mostly, recurs, time_parts
from domains.guess_checks import check_cells, check_items
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
from domains.io.columns import PLUS, find_title
from domains.settings import ColumnMapping

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
AMOUNT = re.compile(
    r"(?:^|_)(?:hour|minute|second|dow|day|weekday|week|month|quarter|year|age|quantity|qty|amount|count|number|price|"
    r"cost|total|rating|score|stars|menge|anzahl|preis|quantite|prix|cantidad|precio|quantita|prezzo)s?(?:_|$)"
)
"""A column whose name says that it holds amounts or parts of a time."""


OF_INTERACTIONS = ("user", "item", "time")
OF_ITEMS = ("item_key", "title", "categories")
"""Roles by the table that has their columns."""


class RoleFinder:
    """Finds a column for each role, step by step: each step builds on what those before it found.

    Args:
        acts: first rows of the interactions, without empty columns.
        things: first rows of the items; the same table if one file holds both.
        given: known columns by role; they get no other role.
        one_table: whether one file holds both.

    Attributes:
        found: role -> column; None if no column fits.
        by_name: roles that were found by a usual name.
        unsure: roles that several columns fit equally well.
        notes: role -> what to tell of its column.
    """

    def __init__(self, acts: pl.DataFrame, things: pl.DataFrame, given: Mapping[str, str], one_table: bool) -> None:
        key = given.get("item") or given.get("item_key")
        if one_table and key is not None:
            given = {"item": key, "item_key": key, **given}
        self.acts, self.things, self.given, self.one_table = acts, things, given, one_table
        self._tables = dict.fromkeys(OF_INTERACTIONS, acts)
        self._tables |= dict.fromkeys(OF_ITEMS, things)
        self.found: dict[str, str | None] = {**dict.fromkeys(self._tables), **given}
        self.by_name: set[str] = set()
        self.unsure: set[str] = set()
        self.notes: dict[str, str] = {}
        self._people: list[str] = []
        self._times: list[str] = []
        self._texts: dict[str, str] = {}

    @property
    def columns(self) -> ColumnMapping:
        """The column of each role; the key of the items only where it has another name than in the interactions."""
        roles = {**self.found}
        if roles["item_key"] == roles["item"]:
            roles["item_key"] = None
        return ColumnMapping(**roles, text=self._texts or None)

    def find(self, interactions: str, items: str) -> None:
        """Fill all roles that were not given.

        Args:
            interactions: where the interactions are, for messages.
            items: where the items are.

        Raises:
            InputError: the files cannot be what they are said to be.
        """
        self._take_names()
        self._find_items()
        if self.found["item"] is None and not self.one_table:
            check_cells(self._free(), self.things, interactions)
        check_items(self.things, self.found["user"], self.found["item_key"], interactions, items)
        self._find_time()
        self._find_user()
        self._find_texts()

    def _take_names(self) -> None:
        """Take columns with usual names, and people by other names or e-mail addresses."""
        tables = {role: table for role, table in self._tables.items() if role not in self.given}
        named = {role: usual_column(role, table.columns) for role, table in tables.items()}
        if self.one_table:  # an `id` may be the row's
            named |= dict.fromkeys({"item", "item_key"} & named.keys(), item_by_name(self.acts))
        self.found |= named
        taken = {*self.given.values(), named.get("item"), named.get("time")}
        person = self.found["user"] or _person(self.acts, taken)
        if "title" in named:
            self.found["title"] = self._usual_title(person)
        self.by_name = {role for role in named if self.found[role] is not None}
        self.found["user"] = person

    def _usual_title(self, person: str | None) -> str | None:
        """Return the column with a usual name of titles that names items, not people, and is not their key."""
        if self.one_table:
            title, self._people = title_by_name(self.acts, self.found["item"], person)
            return title
        return find_title({name: kind for name, kind in self.things.schema.items() if name != self.found["item_key"]})

    def _find_items(self) -> None:
        """Find the item in the interactions and its key among the items."""
        if self.one_table and self.found["item"] is None:
            self._item_of_one_table()
        if not self.one_table and not {"item", "item_key"} & self.given.keys():
            self._better_key()
        if self.found["item"] is None or self.found["item_key"] is None:
            self._item_by_values()

    def _item_of_one_table(self) -> None:
        """Take the column that tells most items apart; it may be the title itself."""
        found, acts = self.found, self.acts.drop(self._people)
        item, title, rival = item_and_title(acts, found["user"], found["time"], found["title"])
        found["item"] = found["item_key"] = item
        found["title"] = found["title"] or (title if item == title else None)
        self._doubt("item", rival)

    def _better_key(self) -> None:
        """Take columns that share more ids than those with usual names."""
        found, names = self.found, (self.found["item"], self.found["item_key"])
        both = shared_name(self.acts, self.things, {found["user"], found["time"]}, names)
        if both is not None:
            found["item"] = found["item_key"] = both
            self._named_now({"item", "item_key"}, usual_column("item", [both]) is not None)
        elif found["item"] is not None and found["item_key"] is not None:
            key = closer_key(self.acts[found["item"]], self.things, found["item_key"])
            if key != found["item_key"]:
                found["item_key"] = key
                self._named_now({"item_key"}, usual_column("item_key", [key]) is not None)

    def _item_by_values(self) -> None:
        """Take the columns of both files that share most values."""
        item, key = self.found["item"], self.found["item_key"]
        acts = self._free()
        acts = acts.select([name for name in acts.columns if name in self.things.columns or not _is_no_item(name)])
        things = self.things.select([name for name in self.things.columns if name != self.found["user"]])
        pair, rival = shared_values(
            self.acts.select(item) if item in self.acts.columns else acts,
            self.things.select(key) if key in self.things.columns else things,
        )
        if item is None and pair == (None, None) and "item_key" not in self.given:
            pair = shared_texts(acts, things)
            key = pair[1] or key
        self.found["item"], self.found["item_key"] = item or pair[0], key or pair[1]
        self._doubt("item", rival)

    def _find_time(self) -> None:
        """Find the time: one column, or a date and a time of day."""
        found = self.found
        taken = {found["user"], found["item"], found["time"]}
        times = [] if found["time"] else time_columns(self.acts, taken, found["item"], found["user"])
        found["time"] = found["time"] or next(iter(times), None)
        parts = time_parts(self.acts, found["time"]) if "time" not in self.given else []
        self._times = parts or [found["time"]] if found["time"] else []
        if parts:
            found["time"] = PLUS.join(parts)
            self.by_name.add("time")
        elif len(times) > 1:
            self.notes["time"] = _of_times(times)

    def _find_user(self) -> None:
        """Find the user among columns whose values recur and that say nothing of the item."""
        found, acts = self.found, self.acts
        taken = {found["user"], found["item"], *self._times}
        recurring = [name for name in acts.columns if name not in taken and recurs(acts[name])]
        left = [name for name in recurring if not is_of(acts, found["item"], name)]
        many = [name for name in left if acts.height < MANY or acts[name].n_unique() > FEW]
        left = many or left  # a kind of event has few values, and so may users have in rows sorted by them
        self._doubt("user", found["user"] is None and (len(left) > 1 or not many))
        found["user"] = found["user"] or max(left, key=lambda name: acts[name].n_unique(), default=None)
        if "user" not in self.given and BASKET.search(plain_name(found["user"] or "")):
            self.notes["user"] = _of_baskets(str(found["user"]))

    def _find_texts(self) -> None:
        """Find the title, other texts, and columns that may be categories."""
        found, things = self.found, self.things
        key = found["item_key"] or found["item"]
        taken = {key, found["title"], found["categories"]}
        texts = find_text_columns(things.columns, taken)
        if found["title"] is None:
            found["title"] = title_of(things, found["item_key"], taken, set(texts.values()), self.one_table)
        self._texts = {field: name for field, name in texts.items() if name != found["title"]}
        if found["categories"] is None:
            others = {*found.values(), *self._texts.values(), *self._times}
            kinds = kinds_of_items(things, key, others, self.one_table)
            self.notes |= {"categories": _of_kinds(kinds)} if kinds else {}

    def _free(self) -> pl.DataFrame:
        """Return the interactions without users and times."""
        taken = {self.found["user"], self.found["time"]}
        return self.acts.select([name for name in self.acts.columns if name not in taken])

    def _named_now(self, roles: set[str], usual: bool) -> None:
        self.by_name = self.by_name | roles if usual else self.by_name - roles

    def _doubt(self, role: str, doubt: bool) -> None:
        self.unsure = self.unsure | {role} if doubt else self.unsure - {role}


def _is_no_item(name: str) -> bool:
    """Return whether a column's name says that it holds what may be numbered as items are, but is none."""
    return any(sort.search(plain_name(name)) for sort in (PERSON, BASKET, AMOUNT))


def _person(acts: pl.DataFrame, taken: set[str | None]) -> str | None:
    """Return the column that holds people, by its name or as e-mail addresses; None if none does, or several differ."""
    free = [name for name in acts.columns if name not in taken and recurs(acts[name])]
    people = [name for name in free if PERSON.search(plain_name(name)) or mostly(acts[name], EMAIL)]
    agree = all(determines(acts, people[0], name) and determines(acts, name, people[0]) for name in people[1:])
    return people[0] if people and agree else None


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
