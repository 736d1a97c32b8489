"""The interactions as numbers: rows that are kept, ids, times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from domains.cells import Rows, counted
from domains.domain import Ints, TimeKind
from domains.errors import DataError
from domains.ids import to_ids
from domains.io.collect import collect, schema_of
from domains.keep import parse_keep
from domains.kept_rows import find_columns, keep_mask
from domains.problems import Problems
from domains.raw import RawTables
from domains.report import Step
from domains.settings import PrepareSettings
from domains.times import Times, to_times

FEW_USERS, CROWD_ROWS, CROWD_SHARE = 20, 100, 0.1
"""From so many users on, one with so many rows and such a share of all is hardly one person."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """Rows with a user, an item and a time, in the order of the file.

    Attributes:
        user_ids: (U,) large_string, sorted.
        item_ids: (I,) large_string, sorted.
        users: (N,) int64, index into `user_ids`.
        items: (N,) int64, index into `item_ids`.
        times: (N,) each.
        steps: what was read, and what each step left of it.
        notes: what was noticed.
    """

    user_ids: pa.Array
    item_ids: pa.Array
    users: Ints
    items: Ints
    times: Times
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def read_interactions(raw: RawTables, settings: PrepareSettings, problems: Problems) -> Interactions:
    """Read the interactions, apply `keep`, and leave out rows without user, item or time.

    Args:
        raw: what a loader read.
        settings: `keep`, `missing` and those of times.
        problems: where rows that are wrong are noted; the result is without them then.

    Raises:
        InputError: the table cannot be read, `keep` does not fit it, or no row is left.
    """
    location = raw.interactions_place
    there = list(schema_of(raw.interactions, location))
    clauses = find_columns(parse_keep(settings.keep), there, location)
    needed = ["user_id", "item_id", *(["timestamp"] if "timestamp" in there else [])]
    needed += [clause.column for clause in clauses if clause.column not in needed]
    frame = collect(raw.interactions.select(*dict.fromkeys(needed)), location)
    if frame.is_empty():
        raise DataError("no interactions", location=location, hint="The file is empty or holds only a header")
    steps: list[Step] = []
    notes: list[str] = []
    rows = Rows(location)
    if clauses:
        steps.append(_step("read", frame["user_id"], frame["item_id"]))
        mask, notes = keep_mask(frame, clauses, location)
        frame = frame.filter(mask)
        rows = Rows(location, mask.arg_true() + 1)

    users = to_ids(frame["user_id"], "user id", rows, missing=settings.missing, problems=problems)
    items = to_ids(frame["item_id"], "item id", rows, missing=settings.missing, problems=problems)
    times = _nothing(frame.height)
    with problems.catch():
        times = _times(frame, raw, settings, rows, problems)
    name = f"keep: {' and '.join(settings.keep)}" if clauses else "read"
    steps.append(_step(name, users, items, "keep" if clauses else ""))
    del frame

    absent = {"user": users.is_null(), "item": items.is_null(), "time": times.values.is_null()}
    complete = ~(absent["user"] | absent["item"] | absent["time"])
    if not complete.all():
        users, items = users.filter(complete), items.filter(complete)
        times = Times(times.values.filter(complete), times.kind, times.exact.filter(complete), times.note)
        steps.append(_step("rows without user, item or time dropped", users, items, "missing"))
        counts = ", ".join(f"{int(rows.sum()):,} without {what}" for what, rows in absent.items() if rows.any())
        notes.append(f"Rows of {PurePath(location).name} that are left out: {counts} (missing: drop).")
    if users.is_empty():
        problems.check()
        raise DataError("no row has a user, an item and a time", location=location, hint="Map other columns")
    if times.note:
        notes.append(times.note)
    user_ids, user_index = _encode(users)
    item_ids, item_index = _encode(items)
    notes += [*_same_but_case(user_ids, "user"), *_same_but_case(item_ids, "item"), *_crowd(user_ids, user_index)]
    return Interactions(user_ids, item_ids, user_index, item_index, times, tuple(steps), tuple(notes))


def _nothing(rows: int) -> Times:
    """Stands for times that could not be read, so that ids are still checked."""
    zeros = pl.zeros(rows, dtype=pl.Int64, eager=True)
    return Times(zeros, TimeKind.ORDER, zeros)


def _times(frame: pl.DataFrame, raw: RawTables, settings: PrepareSettings, rows: Rows, problems: Problems) -> Times:
    if "timestamp" not in frame.columns:
        if settings.time_kind != "order":
            raise DataError(
                "no time column",
                location=raw.interactions_place,
                hint="Map it with columns.time, or set time_kind to 'order' to take the order of the rows",
            )
        places = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
        return Times(places, TimeKind.ORDER, places)
    kind = settings.time_kind
    if kind == "auto" and raw.time_kind is not None:
        kind = raw.time_kind.value
    return to_times(
        frame["timestamp"],
        kind=kind,
        unit=settings.time_unit,
        location=rows,
        written=settings.time_format,
        missing=settings.missing,
        problems=problems,
    )


def _step(name: str, users: pl.Series, items: pl.Series, setting: str = "") -> Step:
    return Step(name, users.drop_nulls().n_unique(), items.drop_nulls().n_unique(), len(users), setting)


def _same_but_case(ids: pa.Array, what: str) -> list[str]:
    """A note if ids would be fewer without upper case, accents in other forms and blanks."""
    text = pl.Series(ids)
    plain = text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", "")
    same = plain.is_duplicated()
    if not same.any():
        return []
    one, other = text.filter(plain == plain.filter(same)[0])[:2]
    fewer = len(text) - plain.n_unique()
    return [f"{counted(fewer, f'{what} id')} differ from others only in case or blanks, such as {one!r} and {other!r}."]


def _crowd(user_ids: pa.Array, users: Ints) -> list[str]:
    """A note if one user did so much that many people may stand behind it."""
    counts = np.bincount(users)
    most = int(counts.argmax())
    if len(counts) < FEW_USERS or counts[most] < CROWD_SHARE * len(users) or counts[most] < CROWD_ROWS:
        return []
    user, share = user_ids[most].as_py(), 100 * counts[most] / len(users)
    return [
        f"User {user!r} has {share:.3g} % of the rows: if it stands for guests or for nobody, leave it out with "
        f"keep: \"user_id != '{user}'\"."
    ]


def _encode(ids: pl.Series) -> tuple[pa.Array, Ints]:
    """Sorted distinct ids as large_string, and for each row its place among them."""
    encoded = ids.to_arrow().dictionary_encode()
    dictionary = encoded.dictionary.cast(pa.large_string())
    order = np.asarray(pc.sort_indices(dictionary), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return dictionary.take(pa.array(order)), rank[encoded.indices.to_numpy(zero_copy_only=False)]
