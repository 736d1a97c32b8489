"""Read the interactions: choose rows by `keep`, convert ids to indices and times to numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from domains.dates import read_dates
from domains.domain import Ints, TimeKind
from domains.errors import DataError, InputError, Problems, SettingsError, suggest
from domains.ids import is_binary, to_ids
from domains.io.collect import collect, schema_of
from domains.keep import FORMS, LOCATION, Clause, parse_keep
from domains.preparation_report import Step
from domains.raw_cells import Rows, as_numbers, counted
from domains.raw_tables import RawTables
from domains.settings import PrepareSettings
from domains.ties import newest_first
from domains.times import Times, to_times

MANY_NOBODY = 0.2
"""Share of rows without a user from which on that is told apart: the user may stand elsewhere."""
FEW_USERS, CROWD_ROWS, CROWD_SHARE = 20, 100, 0.1
"""With this many users or more, a user with so many rows and such a share is hardly one person."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Interactions:
    """Rows with user, item and time, in the order of the file; from its end if the newest rows come first.

    Attributes:
        user_ids: (U,) large_string, sorted.
        item_ids: (I,) large_string, sorted.
        users: (N,) int64, index into `user_ids`.
        items: (N,) int64, index into `item_ids`.
        times: (N,) times.
        steps: sizes after reading and after each step.
        notes: observations for the user.
    """

    user_ids: pa.Array
    item_ids: pa.Array
    users: Ints
    items: Ints
    times: Times
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def read_interactions(raw: RawTables, settings: PrepareSettings, problems: Problems) -> Interactions:
    """Read the interactions, apply `keep`, and drop rows without user, item or time.

    Args:
        raw: tables of a loader.
        settings: `keep`, `missing` and the settings of times.
        problems: collects wrong rows; the result does not contain them.

    Raises:
        InputError: the table cannot be read, `keep` does not fit it, or no row is left.
    """
    location = raw.interactions_location
    there = list(schema_of(raw.interactions, location))
    clauses = find_columns(parse_keep(settings.keep), there, location)
    needed = ["user_id", "item_id", *(["timestamp"] if "timestamp" in there else [])]
    needed += [clause.column for clause in clauses if clause.column not in needed]
    frame = collect(raw.interactions.select(*dict.fromkeys(needed)), location)
    if frame.is_empty():
        raise DataError(
            "no interactions", location=location, hint="The file is empty or holds only a header", code="empty"
        )
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
        times = Times(times.values.filter(complete), times.kind, times.exact.filter(complete), times.notes)
        steps.append(_step("rows without user, item or time dropped", users, items, "missing"))
        blank = absent["user"] & absent["item"] & absent["time"]
        partly = {what: int((rows & ~blank).sum()) for what, rows in absent.items()}
        told = [f"{int(blank.sum()):,} empty"] if blank.any() else []
        counts = ", ".join([*told, *(f"{rows:,} without {what}" for what, rows in partly.items() if rows)])
        notes.append(f"Rows of {PurePath(location).name} that are left out: {counts} (missing: drop).")
        nobody = partly["user"] / len(complete)
        if nobody > MANY_NOBODY:
            notes.append(
                f"{100 * nobody:.3g} % of the rows have no user. If only the first line of an order names it, copy it "
                "to the order's other lines, for example with pandas: "
                "table[user] = table.groupby(order)[user].ffill(). If another column holds the users, name that one."
            )
    if users.is_empty():
        problems.check()
        raise DataError(
            "no row has a user, an item and a time", location=location, hint="Map other columns", code="empty"
        )
    notes += times.notes
    if settings.ties == "file" and newest_first(times.exact.to_frame().lazy()):
        users, items = users.reverse(), items.reverse()
        times = Times(times.values.reverse(), times.kind, times.exact.reverse(), times.notes)
        notes.append(
            f"The newest rows of {PurePath(location).name} come first, so of rows with equal times the last one is the "
            "earliest (ties: file)."
        )
    user_ids, user_index = _encode(users)
    item_ids, item_index = _encode(items)
    notes += [*_same_but_case(user_ids, "user"), *_same_but_case(item_ids, "item"), *_crowd(user_ids, user_index)]
    return Interactions(
        user_ids=user_ids,
        item_ids=item_ids,
        users=user_index,
        items=item_index,
        times=times,
        steps=tuple(steps),
        notes=tuple(notes),
    )


def _nothing(rows: int) -> Times:
    """Return placeholders for unreadable times, so that ids are still checked."""
    zeros = pl.zeros(rows, dtype=pl.Int64, eager=True)
    return Times(zeros, TimeKind.ORDER, zeros)


def _times(frame: pl.DataFrame, raw: RawTables, settings: PrepareSettings, rows: Rows, problems: Problems) -> Times:
    if "timestamp" not in frame.columns:
        if settings.time_kind != "order":
            raise DataError(
                "no time column",
                location=raw.interactions_location,
                hint="Map it with columns.time, or set prepare.time_kind to 'order' to take the order of the rows",
                code="column",
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
    """Return a note if some ids differ only in case, Unicode form or blanks."""
    text = pl.Series(ids)
    plain = text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", "")
    same = plain.is_duplicated()
    if not same.any():
        return []
    one, other = text.filter(plain == plain.filter(same)[0])[:2]
    fewer = len(text) - plain.n_unique()
    return [f"{counted(fewer, f'{what} id')} differ from others only in case or blanks, such as {one!r} and {other!r}."]


def _crowd(user_ids: pa.Array, users: Ints) -> list[str]:
    """Return a note if one user has so many rows that several people may share the id."""
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
    """Return the sorted distinct ids as large_string, and the index of each row's id."""
    encoded = ids.to_arrow().dictionary_encode()
    dictionary = encoded.dictionary.cast(pa.large_string())
    order = np.asarray(pc.sort_indices(dictionary), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return dictionary.take(pa.array(order)), rank[encoded.indices.to_numpy(zero_copy_only=False)]


MOST_LISTED = 12
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
DAY = re.compile(rf"\s*{ISO_DAY.pattern}\s*")
"""A day without a time of day: in conditions it means the whole day."""
ONE_DAY = timedelta(days=1)


def find_columns(clauses: Sequence[Clause], there: Sequence[str], location: object) -> tuple[Clause, ...]:
    """Return the clauses with column names as in the file; case is ignored.

    Raises:
        InputError: a column is missing.
    """
    found = []
    for clause in clauses:
        same = [name for name in there if name.split(":")[0].strip().lower() == clause.column.lower()]
        name = clause.column if clause.column in there else next(iter(same), None)
        if name is None:
            raise DataError(
                f"no column {clause.column!r} for {LOCATION}",
                location=location,
                hint=f"{suggest(clause.column, there)}Columns: {', '.join(map(repr, there[:40]))}",
                code="keep-column",
            )
        found.append(Clause(name, clause.operator, clause.values))
    return tuple(found)


def keep_mask(frame: pl.DataFrame, clauses: Sequence[Clause], location: object) -> tuple[pl.Series, list[str]]:
    """Return (N,) bool, which rows meet all clauses, and notes.

    Raises:
        InputError: no row meets a clause, or its column cannot be compared; the hint lists the column's values.
    """
    mask = pl.Series([True]).new_from_index(0, frame.height)
    notes: list[str] = []
    for clause in clauses:
        kind = frame[clause.column].dtype
        if kind.is_nested() or is_binary(frame[clause.column]):
            problem = f"{clause.column!r} holds {kind}, which no condition compares"
            raise DataError(problem, location=location, hint="Name another column", code="keep-column")
        met = _meets(frame[clause.column], clause, location, notes)
        mask = mask & met
        if not mask.any():
            raise _error(frame[clause.column], f"no row is left by {str(clause)!r}", location)
    return mask, notes


def _meets(column: pl.Series, clause: Clause, location: object, notes: list[str]) -> pl.Series:
    if clause.operator not in ("in", "not in"):
        return _compare(column, clause, location, notes).fill_null(value=False)
    text = _text(column)
    wanted = {value: _equals(text, value) for value in clause.values}
    days = {value: day for value in wanted if (day := _moment(value)) and DAY.fullmatch(value)}
    moments = _datetimes(column, location) if days else None
    if moments is not None:
        for value, day in days.items():
            wanted[value] |= ((moments >= day) & (moments < day + ONE_DAY)).fill_null(value=False)
    absent = [value for value, rows in wanted.items() if not rows.any()]
    if len(absent) == len(wanted):
        raise _error(column, f"no row has {' or '.join(map(repr, absent))} in {clause.column!r}", location, absent[0])
    if absent:
        notes.append(f"No row has {' or '.join(map(repr, absent))} in {clause.column!r} ({LOCATION}).")
    equal = pl.Series([False]).new_from_index(0, len(column))
    for rows in wanted.values():
        equal = equal | rows
    return equal if clause.operator == "in" else ~equal


def _equals(text: pl.Series, value: str) -> pl.Series:
    """Return the rows with this text, or with the same number in another notation (5 and 5.0)."""
    equal = text == value.strip()
    number = _number(value)
    if number is not None:
        equal = equal.fill_null(value=False) | (as_numbers(text) == number)
    elif value.lower() in ("true", "false"):
        equal = text.str.to_lowercase() == value.lower()
    return equal.fill_null(value=False)


def _compare(column: pl.Series, clause: Clause, location: object, notes: list[str]) -> pl.Series:
    value, operator = clause.values[0], clause.operator
    limit: object = _number(value)
    values: pl.Series | None
    if limit is not None and not column.dtype.is_temporal():
        values = column if column.dtype.is_numeric() else as_numbers(_text(column))
        if values.null_count() == len(values):
            raise _error(column, f"{clause.column!r} holds no numbers", location)
        notes += _how_read(column, values)
    elif moment := _moment(value):
        values, limit = _datetimes(column, location), moment
        if values is None:
            raise _error(column, f"{clause.column!r} holds no dates", location)
        notes += _unread(column, values, "date")
        if DAY.fullmatch(value) and operator in ("<=", ">"):  # all of that day, or none of it
            limit, operator = moment + ONE_DAY, {"<=": "<", ">": ">="}[operator]
    else:
        problem = f"{str(clause)!r}: {value!r} is no number and no date such as 2023-01-31"
        raise SettingsError(problem, location=LOCATION, hint=FORMS, code="keep-syntax")
    met = {">": values.__gt__, ">=": values.__ge__, "<": values.__lt__, "<=": values.__le__}[operator](limit)
    assert isinstance(met, pl.Series)
    return met


def _how_read(column: pl.Series, values: pl.Series) -> list[str]:
    """Return notes on cells that are no numbers, and on numbers that are not written as programs do."""
    if column.dtype.is_numeric():
        return []
    usual = _text(column).cast(pl.Float64, strict=False)
    other = (usual.is_null() | (usual != values)) & values.is_not_null()
    notes = _unread(column, values, "number")
    if other.any():
        text, value = column.filter(other)[0], values.filter(other)[0]
        notes.append(f"Numbers of {column.name!r} such as {text!r} are read as {value:.12g}.")
    return notes


def _unread(column: pl.Series, values: pl.Series, what: str) -> list[str]:
    """Return a note if some cells hold something else than the numbers or dates that a condition compares."""
    if column.dtype.is_temporal():
        return []
    text = _text(column)
    unread = text.filter(values.is_null() & (text != ""))
    if unread.is_empty():
        return []
    cells = f"{counted(len(unread), 'cell')} of {column.name!r} with no {what}"
    return [f"{cells}, such as {unread[0][:60]!r}: these rows are left out ({LOCATION})."]


def _moment(value: str) -> datetime | None:
    """Return the first moment of a day, or the time, that a value names; None if it names none."""
    dates = read_dates(pl.Series([value]), LOCATION) if ISO_DAY.match(value) else None
    return None if dates is None else dates.values[0]


def _datetimes(column: pl.Series, location: object) -> pl.Series | None:
    """Return (N,) Datetime of a column of dates or of unix times; None if it holds neither."""
    if column.dtype in (pl.Date, pl.Datetime):
        return column.cast(pl.Datetime("us"))
    with suppress(InputError):
        dates = None if column.dtype.is_numeric() else read_dates(_text(column), location)
        if dates is not None:
            return dates.values
        times = to_times(column, kind="auto", unit="auto", location=location, missing="drop")
        return pl.from_epoch(times.values, "s") if times.kind == TimeKind.TIMESTAMP else None
    return None


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).str.strip_chars()


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _error(column: pl.Series, problem: str, location: object, near: str = "") -> InputError:
    counts = _text(column).fill_null("(none)").value_counts(sort=True)
    values = counts.get_column(counts.columns[0]).to_list()
    listed = ", ".join(f"{value[:40]} ({n:,})" for value, n in counts.head(MOST_LISTED).rows())
    more = f" and {len(values) - MOST_LISTED:,} more" if len(values) > MOST_LISTED else ""
    hint = f"{suggest(near, values[:1000]) if near else ''}Values of {column.name!r}: {listed}{more}"
    return DataError(problem, location=location, hint=hint, code="keep-value")
