"""Guess which column of dates says when a user acted."""

from __future__ import annotations

import re

import polars as pl

from domains.column_names import plain_name
from domains.column_values import is_dated
from domains.guess_items import is_of

OTHER_DATES = re.compile(
    r"birth|geburt|naissance|nacimiento|nascita|geboorte|urodz|(?:^|_)dob(?:_|$)|(?:^|_)due(?:_|$)|deadline|limit|expir|"
    r"valid|until|return|publish|release|updat|modif|chang|ship|deliver|sign_?up|regist|joined|synced|load_?(?:ed|time)|etl"
)
"""Names of dates that are not when a user acted."""


def time_columns(table: pl.DataFrame, taken: set[str | None], item: str | None, user: str | None) -> list[str]:
    """Return the columns of dates that may say when a user acted, all equally likely; the one with most values first.

    Less likely is a date that is named otherwise (a birth, a return, an update), and one that each item or each user
    has: a publication, a registration. The least likely is one that never changes.

    Args:
        table: rows of interactions.
        taken: columns with another role.
        item: column of the items.
        user: column of the users.
    """
    dated = [name for name in table.columns if name not in taken and is_dated(table[name])]

    def doubt(name: str) -> int:
        if table[name].n_unique() == 1:
            return 2 if len(table) > 1 else 0
        return int(
            OTHER_DATES.search(plain_name(name)) is not None or any(is_of(table, one, name) for one in (item, user))
        )

    doubts = {name: doubt(name) for name in dated}
    likely = [name for name in dated if doubts[name] == min(doubts.values())]
    return sorted(likely, key=lambda name: -table[name].n_unique())
