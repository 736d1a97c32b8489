"""Prepare raw tables in memory: drop unknown and untitled items, repeats, long histories, then apply the k-core."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domains.domain import Domain, Ints, ItemIndices, TimeKind
from domains.errors import DataError, InputError, Problems
from domains.interactions import Interactions, read_interactions
from domains.items import ItemTable, read_item_rows, read_items
from domains.preparation_report import PreparationReport, PreparedDomain, Step
from domains.raw_cells import counted
from domains.raw_tables import RawTables
from domains.settings import PrepareSettings, Ties
from domains.ties import Hashes, TieOrder

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Log:
    """Interactions as numbers, sorted by user and time; (N,) each."""

    users: Ints
    items: Ints
    times: Ints

    def keep(self, mask: Mask) -> Log:
        """Return the interactions where the mask is true."""
        return self if mask.all() else Log(self.users[mask], self.items[mask], self.times[mask])

    def step(self, name: str, setting: str = "") -> Step:
        """Return the current sizes as a step of this name."""
        return Step(name, _count_distinct(self.users), _count_distinct(self.items), len(self.users), setting)


def prepare(raw: RawTables, settings: PrepareSettings, name: str | None = None) -> PreparedDomain:
    """Filter, sort and number the interactions of a domain.

    Users and items are numbered in the order of their ids (as text). A user's interactions are sorted by time, also
    within a second; `ties` orders rows with equal times, so that equal files give equal domains. Items
    without interactions are dropped, unless `catalogue` is ``all``.

    Args:
        raw: tables of a loader.
        settings: which steps run, and how.
        name: name of the domain; default: the loader's suggestion.

    Raises:
        InputError: an id or a time is missing or unreadable, an item is unknown, has no title or several (unless
            the settings say what to do), or nothing is left.
    """
    name = name or raw.name
    problems = Problems()
    acts, rows, notes = None, None, list(raw.notes)
    with problems.catch():
        acts = read_interactions(raw, settings, problems)
        notes += acts.notes
    with problems.catch():
        rows, said = read_item_rows(raw, settings, problems)
        notes += said
    # Wrong ids would be reported again as unknown items.
    if (
        acts is None
        or rows is None
        or any("item id" in error.problem and error.code != "missing" for error in problems.errors)
    ):
        problems.check()
    assert acts is not None
    assert rows is not None
    log, steps = in_order(acts, settings.ties), list(acts.steps)
    with problems.catch():
        table, said = read_items(raw, rows, acts.item_ids, settings)
        notes += said
        log, removed = _drop_items(log, table, raw, settings)
        steps += removed
    problems.check()
    log, removed = _drop_interactions(log, settings)
    steps += removed
    if not len(log.users):
        raise _nothing_left(name, steps, settings)

    domain = _assemble(log, acts.user_ids, table, name=name, time_kind=acts.times.kind, settings=settings)
    if domain.n_items > (before := log.step("")).items:
        steps.append(replace(before, name="items without an interaction kept", items=domain.n_items))
    elif table.unused:
        where = PurePath(raw.items_location).name
        notes.append(f"{counted(table.unused, 'item')} of {where} occur in no interaction (catalogue: used).")
    return PreparedDomain(domain, PreparationReport(tuple(steps), tuple(notes)))


def _assemble(
    log: Log,
    user_ids: pa.Array,
    table: ItemTable,
    *,
    name: str,
    time_kind: TimeKind,
    settings: PrepareSettings,
) -> Domain:
    """Number the remaining users and items without gaps."""
    kept_users, user_index = np.unique(log.users, return_inverse=True)
    kept_items, item_index = _kept_items(log, table, settings)
    return Domain(
        name=name,
        item_ids=table.ids.take(pa.array(kept_items)),
        titles=table.titles.take(pa.array(kept_items)),
        categories=None if table.categories is None else table.categories.take(pa.array(kept_items)),
        user_ids=user_ids.take(pa.array(kept_users)),
        offsets=np.concatenate([[0], np.cumsum(np.bincount(user_index))]).astype(np.int64),
        items=item_index,
        times=log.times,
        time_kind=time_kind,
        repeats=settings.repeats == "keep",
        texts={name: values.take(pa.array(kept_items)) for name, values in table.texts.items()},
    )


def _kept_items(log: Log, table: ItemTable, settings: PrepareSettings) -> tuple[Ints, ItemIndices]:
    """Return the rows of the item table to keep, sorted by id, and (N,) the new item of each interaction."""
    stays = table.titled & table.known if settings.catalogue == "all" else np.zeros(len(table.ids), dtype=bool)
    stays[log.items] = True
    kept = np.flatnonzero(stays)
    kept = kept[np.asarray(pc.sort_indices(table.ids.take(pa.array(kept))), dtype=np.int64)]
    place = np.zeros(len(table.ids), dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    return kept, place[log.items]


def in_order(acts: Interactions, ties: Ties) -> Log:
    """Return the interactions sorted by user and time; `ties` orders equal times of a user."""
    keys = TieOrder.of(ties, acts.user_ids, acts.item_ids).keys(acts.users, acts.items)
    order = _by_user_and_time(acts.users, acts.times.exact.to_numpy(), keys)
    return Log(acts.users[order], acts.items[order], acts.times.values.to_numpy()[order])


def _by_user_and_time(users: Ints, times: Ints, keys: Hashes | None) -> npt.NDArray[np.intp]:
    """Return (N,) positions sorted by user, then time, then key, then position in the file."""
    if keys is not None:
        return np.lexsort((keys, times, users))
    earliest = int(times.min())
    span = int(times.max()) - earliest + 1
    if (int(users.max()) + 1) * span >= 2**63:
        return np.lexsort((times, users))
    # One combined key is 2.5 times faster than two keys on ten million rows.
    return np.argsort(users * span + (times - earliest), kind="stable")


def _drop_items(log: Log, table: ItemTable, raw: RawTables, settings: PrepareSettings) -> tuple[Log, list[Step]]:
    """Apply `unknown_items` and `missing_titles`."""
    steps: list[Step] = []
    if settings.unknown_items == "drop" and not table.known.all():
        log = log.keep(table.known[log.items])
        steps.append(log.step("items in no item table dropped", "unknown_items"))
    present = np.zeros(len(table.ids), dtype=bool)
    present[log.items] = True
    titleless = present & ~table.titled
    if titleless.any() and settings.missing_titles == "error":
        raise no_title(table, titleless, int(present.sum()), raw)
    if titleless.any() and settings.missing_titles == "drop":
        log = log.keep(table.titled[log.items])
        steps.append(log.step("items without a title dropped", "missing_titles"))
    return log, steps


def no_title(table: ItemTable, titleless: Mask, present: int, raw: RawTables) -> InputError:
    """Return the error for items without a title, out of `present` items."""
    first = table.ids[int(np.flatnonzero(titleless)[0])].as_py()
    return DataError(
        f"item {first!r} has no title ({int(titleless.sum()):,} of {present:,} items)",
        location=raw.items_location,
        hint="Set missing_titles to 'keep' (no anchors for them) or 'drop'",
        code="title-missing",
    )


def _drop_interactions(log: Log, settings: PrepareSettings) -> tuple[Log, list[Step]]:
    """Apply `repeats`, `max_history` and the k-core."""
    steps: list[Step] = []
    once = log.keep(without_repeats(log, settings.repeats))
    if settings.repeats != "keep":
        steps.append(once.step(f"repeats: {settings.repeats} kept", "repeats"))
    elif once is not log:
        steps.append(once.step("rows that stand twice counted once", "repeats"))
    log = once
    if settings.max_history is not None:
        log = log.keep(last_of_each_user(log.users, settings.max_history))
        steps.append(log.step(f"last {settings.max_history} of each user", "max_history"))
    if settings.min_user_interactions > 0 or settings.min_item_interactions > 0:
        log = iterated_core(log, settings.min_user_interactions, settings.min_item_interactions)
        steps.append(
            log.step(
                f"core ({settings.min_user_interactions} a user, {settings.min_item_interactions} an item)",
                "min_user_interactions, min_item_interactions",
            )
        )
    return log, steps


def without_repeats(log: Log, which: Literal["first", "last", "keep"]) -> Mask:
    """Return (N,) bool: the first or last interaction of each (user, item) pair; 'keep': all of different times."""
    pairs = log.users * (int(log.items.max(initial=0)) + 1) + log.items
    mask = np.zeros(len(pairs), dtype=bool)
    if which == "first":
        mask[np.unique(pairs, return_index=True)[1]] = True
    elif which == "last":
        mask[len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]] = True
    elif len(pairs):
        # An export that holds a row twice is no second purchase.
        order = np.lexsort((log.times, pairs))
        new = (np.diff(pairs[order]) != 0) | (np.diff(log.times[order]) != 0)
        mask[order[np.concatenate([[True], new])]] = True
    return mask


def last_of_each_user(users: Ints, count: int) -> Mask:
    """Return (N,) bool: the last `count` interactions of each user; `users` ascend."""
    ends = np.searchsorted(users, users, side="right")
    return np.asarray(ends - np.arange(len(users)) <= count)


def iterated_core(log: Log, per_user: int, per_item: int) -> Log:
    """Remove users and items with too few interactions until all have enough (iterated k-core)."""
    while True:
        enough_users = np.bincount(log.users)[log.users] >= per_user
        enough_items = np.bincount(log.items)[log.items] >= per_item
        mask = enough_users & enough_items
        if mask.all():
            return log
        log = replace(log, users=log.users[mask], items=log.items[mask], times=log.times[mask])


def _count_distinct(codes: Ints) -> int:
    return int(np.count_nonzero(np.bincount(codes))) if len(codes) else 0


def _nothing_left(name: str, steps: list[Step], settings: PrepareSettings) -> InputError:
    """Return the error that names the step that removed everything."""
    last = next(step for step in steps if step.interactions == 0)
    before = next((step for step in reversed(steps) if step.interactions), None)
    held = "" if before is None else f" ({counted(before.interactions, 'interaction')} before it)"
    return DataError(
        f"no interactions are left after the step {last.name!r}{held}",
        location=name,
        hint=f"Lower min_user_interactions ({settings.min_user_interactions}) or min_item_interactions "
        f"({settings.min_item_interactions}), or give more data",
        code="empty",
    )
