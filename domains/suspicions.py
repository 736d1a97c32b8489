"""Oddities of a domain that are no errors: they are shown, and the reader decides."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import polars as pl

from domains.domain import Domain, Ints, TimeKind

SECONDS_PER_DAY = 86_400
BOT_PER_DAY = 200
"""Interactions within one day above which a user is hardly a person."""
SAME_TIME_AT_LEAST = 5
"""Users with fewer interactions may have one time for all by chance, for instance after an import."""
LONG_TITLE = 1_000
"""Characters; longer titles are descriptions or broken rows."""

REPLACED = "\ufffd"
_TAIL = "\u0080-\u00bf" + "".join(bytes([byte]).decode("cp1252", errors="ignore") for byte in range(0x80, 0xA0))
MOJIBAKE = f"[ÂÃÐÑ][{_TAIL}]|â[{_TAIL}][{_TAIL}]"
MARKUP = r"</?[A-Za-z][^<>]*>|&(?:[A-Za-z]{2,8}|#\d{1,6});|\[\[|\{\{"
NOTHING = r"(?i)^(?:nan|none|null|#?n/a|-+|\?+)$"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@dataclass(frozen=True)
class Suspicion:
    """One kind of oddity: how often, and the first instance."""

    kind: str
    count: int
    example: str


def find_suspicions(domain: Domain, *, now: int | None = None) -> list[Suspicion]:
    """Find oddities in times and titles.

    Args:
        domain: where to look.
        now: unix seconds after which a time lies in the future; default: the clock.
    """
    found = [*_in_titles(domain), *_in_times(domain, int(time.time()) if now is None else now)]
    return [suspicion for suspicion in found if suspicion.count]


def _in_titles(domain: Domain) -> list[Suspicion]:
    frame = pl.DataFrame({"id": pl.Series(domain.item_ids), "title": pl.Series(domain.titles)})
    title = pl.col("title")
    tests = {
        "title with replacement characters (encoding lost)": title.str.contains(REPLACED, literal=True),
        "title with doubly encoded characters": title.str.contains(MOJIBAKE),
        "title with markup": title.str.contains(MARKUP),
        "title with control characters": title.str.contains(CONTROL),
        f"title longer than {LONG_TITLE:,} characters": title.str.len_chars() > LONG_TITLE,
        "title that is the mark of a missing one": title.str.contains(NOTHING),
        "title that other items have too": (title != "") & title.is_duplicated(),
    }
    return [_of_items(kind, frame.filter(test)) for kind, test in tests.items()]


def _of_items(kind: str, rows: pl.DataFrame) -> Suspicion:
    example = "" if rows.is_empty() else f"item {rows['id'][0]}: {rows['title'][0][:80]!r}"
    return Suspicion(kind, rows.height, example)


def _in_times(domain: Domain, now: int) -> list[Suspicion]:
    if domain.time_kind != TimeKind.TIMESTAMP or not domain.n_interactions:
        return []
    users = domain.owners
    future = np.flatnonzero(domain.times > now)
    late = f"user {_user(domain, int(users[future[0]]))}: {domain.times[future[0]]}" if len(future) else ""
    starts, ends = domain.offsets[:-1], domain.offsets[1:]
    many = domain.lengths >= SAME_TIME_AT_LEAST
    at_once = np.flatnonzero(many)[domain.times[starts[many]] == domain.times[ends[many] - 1]]
    bots, most = _busiest_days(domain, users)
    return [
        Suspicion("interaction in the future", len(future), late),
        Suspicion(
            f"user with one time for all of {SAME_TIME_AT_LEAST} or more interactions",
            len(at_once),
            f"user {_user(domain, int(at_once[0]))}" if len(at_once) else "",
        ),
        Suspicion(
            f"user with more than {BOT_PER_DAY} interactions in a day",
            len(bots),
            f"user {_user(domain, int(bots[0]))}: {most} in a day" if len(bots) else "",
        ),
    ]


def _busiest_days(domain: Domain, users: Ints) -> tuple[Ints, int]:
    """Users above `BOT_PER_DAY`, ascending, and the first one's busiest day."""
    days = domain.times // SECONDS_PER_DAY
    # Users and, within one, days stand together: a day's interactions are one run.
    changes = np.flatnonzero((users[1:] != users[:-1]) | (days[1:] != days[:-1])) + 1
    starts = np.concatenate([[0], changes])
    counts = np.diff(np.append(starts, len(users)))
    busy = counts > BOT_PER_DAY
    owners = users[starts[busy]]
    bots = np.unique(owners)
    return bots, int(counts[busy][owners == bots[0]].max()) if len(bots) else 0


def _user(domain: Domain, index: int) -> str:
    return str(domain.user_ids[index].as_py())
