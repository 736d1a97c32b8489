"""Input files of recommendations: lists of ids, and histories of new users or newer than the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domains.domain import Domain
from domains.errors import InputError
from domains.ids import to_ids
from domains.io.collect import collect, schema_of
from domains.io.columns import find_column
from domains.io.paths import KINDS
from domains.newer import Reading, are_interactions, read_newer
from domains.preparation import Log, without_repeats
from domains.raw_cells import counted
from transfer.serving.history import History
from transfer.serving.recommend import Filters


def read_ids(file: str | Path, role: Literal["user", "item"], domain: Domain, reading: Reading) -> list[str]:
    """Return the ids in a file: a column of a table, or the lines of a text.

    Args:
        file: a table with the column of the role, or with the ids in its first column; or a text (``.txt``).
        role: whose ids they are.
        domain: domain of the run. A table of one column may lack a header: then its first line is an id.
        reading: how the tables of the run were read.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    path = Path(file)
    if path.suffix.lower() not in KINDS or path.suffix.lower() == ".txt":
        try:
            return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, error, role) from None
    location = str(path)
    table = reading.scan_interactions(location) if role == "user" else reading.scan_items(location)
    there = list(schema_of(table, location))
    named = find_column(role, getattr(reading.columns_in(table, location), role), there, location, required=False)
    name = named or there[0]
    values = collect(table.select(name), location)[name]
    ids: list[str] = to_ids(values, f"{role} id", location, missing="drop").drop_nulls().to_list()
    known = domain.user_ids if role == "user" else domain.item_ids
    headless = named is None and len(there) == 1 and pc.is_in(pa.scalar(name, known.type), value_set=known).as_py()
    return [name, *ids] if headless else ids


GIVE_IDS = "Give ids of items; transfer titles RUN lists them"


def filters_of(
    domain: Domain,
    only: Sequence[str] | None,
    without: Sequence[str] | None,
    allow_seen: bool,
    names: tuple[str, str] = ("--only-items", "--without-items"),
) -> tuple[Filters, tuple[str, ...]]:
    """Return filters by item id, and notes on ids that are no items of the run: they have no effect.

    Args:
        domain: domain of the run.
        only: ids of the items that may be recommended; None for all, and none for an empty list.
        without: ids of items that may not be recommended.
        allow_seen: whether items of the history may be recommended.
        names: options that the two lists come from, for messages.

    Raises:
        InputError: none of the ids in `only` is known.
    """
    items = set(map(str, domain.item_ids.to_pylist()))
    kept: list[list[str] | None] = []
    notes = []
    for ids, name in zip((only, without), names, strict=True):
        known = None if ids is None else [one for one in ids if one in items]
        kept.append(known)
        if ids is None or known is None:
            continue
        unknown = [one for one in ids if one not in items]
        some = ", ".join(map(repr, unknown[:3])) + (", ..." if len(unknown) > 3 else "")
        if ids is only and ids and not known:
            what = f"none of its {counted(len(ids), 'id')} is an item of the run: {some}"
            raise InputError(what, location=name, hint=GIVE_IDS, code="unknown-item")
        if unknown:
            verb = "is" if len(unknown) == 1 else "are"
            notes.append(f"{name}: {len(unknown):,} of {counted(len(ids), 'id')} {verb} unknown and ignored: {some}")
    return Filters.of_ids(domain, kept[0], kept[1], allow_seen), tuple(notes)


def _unreadable(path: Path, error: Exception, role: Literal["user", "item"] = "item") -> InputError:
    if not path.exists():
        single = f"; for one user, give --user {path}" if role == "user" else ""
        return InputError("no such file", location=path, hint=f"Check the path{single}", code="no-file")
    return InputError(
        f"cannot be read: {getattr(error, 'strerror', None) or str(error).splitlines()[0]}",
        location=path,
        hint="Give a table, or text with one id a line",
        code="bad-file",
    )


@dataclass(frozen=True, eq=False)
class Asked:
    """The users for whom recommendations are requested.

    Attributes:
        history: histories of the users who can get recommendations.
        unanswered: id and problem of each other user.
        notes: how the file was read.
    """

    history: History
    unanswered: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def users_in(domain: Domain, ids: list[str]) -> Asked:
    """Return the histories of known users by id; unknown ids are unanswered, and repeated ones count once."""
    again = len(ids) - len(dict.fromkeys(ids))
    ids = list(dict.fromkeys(ids))
    notes = (f"{counted(again, 'id')} of the list had been named before and {'is' if again == 1 else 'are'} left out",)
    index = {str(name): place for place, name in enumerate(domain.user_ids.to_pylist())}
    known = [index[name] for name in ids if name in index]
    unknown = tuple((name, "no user of the run has this id") for name in ids if name not in index)
    return Asked(History.of_users(domain, np.array(known, dtype=np.int64)), unknown, notes if again else ())


def histories_in(domain: Domain, file: str | Path, reading: Reading) -> Asked:
    """Return the histories in a file of interactions, which replaces the run's own histories.

    Rows are ordered by time if there is a column of times, else they keep their order. Unknown items are left out;
    users without a known item are unanswered.

    Args:
        domain: domain of the run.
        file: a table with columns of users and items, and optionally of times.
        reading: how the interactions of the run were read.

    Raises:
        InputError: the file cannot be read, or a column is missing.
    """
    acts, log = read_newer(str(file), reading)
    found = pc.index_in(acts.item_ids, value_set=domain.item_ids.cast(acts.item_ids.type)).fill_null(-1)
    places = found.to_numpy(zero_copy_only=False).astype(np.int64)
    known = log.keep(places[log.items] >= 0)
    known = Log(known.users, places[known.items], known.times)
    known = known.keep(without_repeats(known, "keep" if domain.repeats else "last"))
    lengths = np.bincount(known.users, minlength=len(acts.user_ids))
    served, nobody = np.flatnonzero(lengths), np.flatnonzero(lengths == 0)
    histories = replace(
        domain,
        user_ids=acts.user_ids.take(pa.array(served)),
        offsets=np.concatenate([[0], np.cumsum(lengths[served])]).astype(np.int64),
        items=known.items.astype(np.int32),
        times=known.times,
        time_kind=acts.times.kind,
    )
    lacking = acts.user_ids.take(pa.array(nobody)).to_pylist()
    return Asked(History(histories), tuple((name, "the run knows none of the items") for name in lacking), acts.notes)


def asked_in(domain: Domain, part: Path, reading: Reading) -> Asked:
    """Return the users of a Parquet part: a table of interactions, or a list of users of the run; it may be empty.

    Raises:
        InputError: the part cannot be read.
    """
    try:
        rows = pq.read_metadata(part).num_rows
    except (OSError, ValueError) as error:
        raise _unreadable(part, error) from None
    if rows and are_interactions(str(part), reading):
        return histories_in(domain, part, reading)
    return users_in(domain, read_ids(part, "user", domain, reading))
