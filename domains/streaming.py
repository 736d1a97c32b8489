"""Prepare raw tables into a partitioned folder without holding all interactions in memory; polars streams them.

Memory holds users, items and one partition. The result equals that of `domains.preparation.prepare`, byte for byte.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from domains.disk import whole_folder
from domains.domain import Domain, Ints, TimeKind
from domains.errors import DataError, Problems
from domains.ids import to_ids
from domains.io.collect import schema_of
from domains.io.paths import allowing
from domains.items import ItemTable, read_item_rows, read_items
from domains.loaders.loader import check_options, find_loader
from domains.open_domain import parse_spec
from domains.partitioned import begin, check_empty, finish, load_prepared, partition_of, write_domain, write_part
from domains.preparation import Log, last_of_each_user, no_title, prepare, without_repeats
from domains.raw_cells import Rows
from domains.raw_tables import RawTables
from domains.settings import PrepareSettings
from domains.spec import DomainSpec
from domains.storage import save_array
from domains.ties import TieOrder, newest_first
from domains.times import EARLIEST_SECOND, LATEST_SECOND, NO_TIME_AFTER, NO_TIME_BEFORE

MICROSECONDS = 1_000_000


def why_not(raw: RawTables, settings: PrepareSettings) -> str | None:
    """Return the reason why these tables cannot be streamed, as a clause; None if they can."""
    schema = schema_of(raw.interactions, raw.interactions_location)
    if settings.keep:
        return "prepare.keep chooses rows"
    if "timestamp" not in schema:
        return "there is no time"
    kind = schema["timestamp"]
    if settings.time_kind == "order" or raw.time_kind is TimeKind.ORDER:
        return "times are an order"
    if kind == pl.String:
        return "times are text, as in a CSV file; a Parquet file with whole unix seconds or datetimes is streamed"
    if settings.time_format or not (kind.is_integer() or isinstance(kind, pl.Datetime)):
        return f"times are {kind}, neither unix seconds nor datetimes"
    if kind.is_integer() and settings.time_unit not in ("auto", "s"):
        return f"times are in {settings.time_unit}"
    for name in ("user_id", "item_id"):
        if not (schema[name].is_integer() or schema[name] == pl.String):
            return f"{name} is {schema[name]}, neither text nor whole numbers"
    first, last, nulls = _span(raw)
    low, high = (EARLIEST_SECOND, LATEST_SECOND) if kind.is_integer() else (NO_TIME_BEFORE, NO_TIME_AFTER)
    if nulls or first is None or not low < first <= last < high:
        return "some times are missing or no plausible unix seconds"
    return None


def prepare_streamed(
    raw: RawTables, settings: PrepareSettings, folder: Path, partitions: int, name: str | None = None
) -> Domain:
    """Prepare tables into a partitioned folder. `why_not` must return None for them.

    Args:
        raw: tables of a loader.
        settings: which steps run, and how.
        folder: target; empty or missing.
        partitions: number of partitions; the largest one must fit into memory.
        name: name of the domain; default: the loader's suggestion.

    Raises:
        InputError: as `domains.preparation.prepare`.
    """
    begin(folder, partitions)
    acts = raw.interactions
    users = _Codes.of(acts, "user_id", raw.interactions_location, settings)
    items = _Codes.of(acts, "item_id", raw.interactions_location, settings)
    problems = Problems()
    rows, _ = read_item_rows(raw, settings, problems)
    problems.check()
    table, _ = read_items(raw, rows, items.ids, settings)
    ties = TieOrder.of(settings.ties, users.ids, items.ids)
    stays = _items_that_stay(table, raw, settings)[: len(items.ids)]
    with TemporaryDirectory(dir=folder, prefix=".", suffix=".writing") as scratch:
        place = partition_of(users.ids, partitions)
        _scatter(acts, users, items, place, Path(scratch))
        kept = [
            _keep_part(Path(scratch) / f"part={index}", stays, ties, settings, Path(scratch) / f"{index}")
            for index in range(partitions)
        ]
        parts = _Parts(tuple(kept))
        alive_users, alive_items = _core(parts, len(users.ids), len(table.ids), settings)
        if not alive_users.any():
            raise DataError(
                "no interactions are left", location=name or raw.name, hint="Lower the minima of prepare", code="empty"
            )
        catalogue = alive_items | (table.titled & table.known) if settings.catalogue == "all" else alive_items
        order = np.flatnonzero(catalogue)
        order = order[np.asarray(pc.sort_indices(table.ids.take(pa.array(order))), dtype=np.int64)]
        item_number = np.zeros(len(table.ids), dtype=np.int32)
        item_number[order] = np.arange(len(order), dtype=np.int32)
        user_number = np.cumsum(alive_users) - 1
        for index, part in enumerate(parts):
            part = part.keep(alive_users[part.users] & alive_items[part.items])
            write_part(folder, index, user_number[part.users], item_number[part.items], part.times)
    taken = pa.array(order)
    strings: dict[str, Any] = {
        "name": name or raw.name,
        "item_ids": table.ids.take(taken),
        "titles": table.titles.take(taken),
        "categories": None if table.categories is None else table.categories.take(taken),
        "user_ids": users.ids.take(pa.array(np.flatnonzero(alive_users))),
        "texts": {key: values.take(taken) for key, values in table.texts.items()},
    }
    return finish(folder, partitions, strings, repeats=settings.repeats == "keep")


@dataclass(frozen=True, eq=False)
class _Codes:
    """Sorted distinct ids, and the values in the file that stand for each.

    Attributes:
        ids: (U,) large_string.
        written: value in the file (column ``raw``) and its index in `ids` (``code``).
    """

    ids: pa.Array
    written: pl.DataFrame

    @classmethod
    def of(cls, acts: pl.LazyFrame, column: str, location: str, settings: PrepareSettings) -> _Codes:
        written = acts.select(pl.col(column).alias("raw"))
        raw = written.unique().collect(engine="streaming")["raw"]
        what, problems = column.replace("_", " "), Problems()
        ids = to_ids(raw, what, location, missing=settings.missing, problems=problems)
        if problems.errors:
            wrong = raw.filter(ids.is_null()).to_frame().lazy()
            rows = written.with_row_index("row", offset=1).join(wrong, on="raw", how="semi", nulls_equal=True)
            found = rows.collect(engine="streaming").sort("row")
            to_ids(found["raw"], what, Rows(location, found["row"]), missing=settings.missing)
            problems.check()  # of the other ids together, a wrong one may look right by itself
        found = pl.DataFrame({"raw": raw, "id": ids}).drop_nulls("id")
        distinct = found["id"].unique().sort()  # by UTF-8 bytes, as Arrow does
        codes = pl.DataFrame({"id": distinct}).with_row_index("code").with_columns(pl.col("code").cast(pl.Int64))
        return cls(distinct.to_arrow().cast(pa.large_string()), found.join(codes, on="id").select("raw", "code"))


class _Parts:
    """Reads the interactions one partition at a time."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.files = files

    def __iter__(self) -> Iterator[Log]:
        for file in self.files:
            yield Log(*(np.load(file.with_suffix(f".{name}.npy")) for name in ("users", "items", "times")))


def _span(raw: RawTables) -> tuple[int | None, int, int]:
    """Return the first and last second, and the number of rows without a time."""
    seconds = _seconds(raw.interactions)
    found = raw.interactions.select(
        seconds.min().alias("first"), seconds.max().alias("last"), seconds.null_count().alias("nulls")
    ).collect(engine="streaming")
    first, last, nulls = found.row(0)
    return first, last or 0, nulls


def _exact(acts: pl.LazyFrame) -> pl.Expr:
    """Return a number in the order of the times."""
    time = pl.col("timestamp")
    return time.cast(pl.Int64) if acts.collect_schema()["timestamp"].is_integer() else time.dt.timestamp("us")


def _seconds(acts: pl.LazyFrame) -> pl.Expr:
    per_second = 1 if acts.collect_schema()["timestamp"].is_integer() else MICROSECONDS
    return _exact(acts) // per_second


def _scatter(acts: pl.LazyFrame, users: _Codes, items: _Codes, place: Ints, scratch: Path) -> None:
    """Write the interactions as numbers, one folder per partition."""
    row = pl.col("row").cast(pl.Int64)
    later = -row if newest_first(acts.select(_exact(acts))) else row
    owner = users.written.with_columns(pl.Series("part", place).gather(users.written["code"]).alias("part"))
    (
        acts.with_row_index("row")
        .select("user_id", "item_id", _exact(acts).alias("exact"), _seconds(acts).alias("time"), later.alias("row"))
        .join(owner.lazy().rename({"raw": "user_id", "code": "user"}), on="user_id")
        .join(items.written.lazy().rename({"raw": "item_id", "code": "item"}), on="item_id")
        .select("part", "user", "item", "exact", "time", "row")
        .sink_parquet(pl.PartitionBy(scratch, key="part", include_key=False), mkdir=True, engine="streaming")
    )


def _keep_part(
    folder: Path, stays: npt.NDArray[np.bool_], ties: TieOrder, settings: PrepareSettings, out: Path
) -> Path:
    """Sort one partition and apply the steps that need only one user at a time."""
    if folder.is_dir():
        part = pl.read_parquet(sorted(folder.glob("*.parquet")), hive_partitioning=False, glob=False)
        keys = ties.keys(part["user"].to_numpy(), part["item"].to_numpy())
        part = part.with_columns(pl.Series("tie", np.zeros(part.height, np.uint64) if keys is None else keys))
        part = part.sort("user", "exact", "tie", "row")
        log = Log(*(part[name].to_numpy() for name in ("user", "item", "time")))
    else:
        log = Log(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    log = log.keep(stays[log.items])
    log = log.keep(without_repeats(log, settings.repeats))
    if settings.max_history is not None:
        log = log.keep(last_of_each_user(log.users, settings.max_history))
    for name in ("users", "items", "times"):
        save_array(out.with_suffix(f".{name}.npy"), getattr(log, name))
    return out


def _items_that_stay(table: ItemTable, raw: RawTables, settings: PrepareSettings) -> npt.NDArray[np.bool_]:
    stays = np.ones(len(table.ids), dtype=bool)
    if settings.unknown_items == "drop":
        stays &= table.known
    if settings.missing_titles != "keep":
        titleless = stays & ~table.titled
        if titleless.any() and settings.missing_titles == "error":
            raise no_title(table, titleless, int(stays.sum()), raw)
        stays &= table.titled
    return stays


def _core(
    parts: _Parts, users: int, items: int, settings: PrepareSettings
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return (U,) and (I,) bool: users and items of the iterated k-core; each round reads all partitions once."""
    alive_users, alive_items = np.ones(users, dtype=bool), np.ones(items, dtype=bool)
    while True:
        of_user, of_item = np.zeros(users, dtype=np.int64), np.zeros(items, dtype=np.int64)
        for part in parts:
            mask = alive_users[part.users] & alive_items[part.items]
            of_user += np.bincount(part.users[mask], minlength=users)
            of_item += np.bincount(part.items[mask], minlength=items)
        stay_users = of_user >= max(1, settings.min_user_interactions)
        stay_items = of_item >= max(1, settings.min_item_interactions)
        if (stay_users == alive_users).all() and (stay_items == alive_items).all():
            return alive_users, alive_items
        alive_users, alive_items = stay_users, stay_items


def to_folder(
    spec: DomainSpec | str,
    folder: Path,
    partitions: int,
    *,
    base: Path | None = None,
    allow: Collection[str] | None = None,
) -> tuple[Domain, str | None]:
    """Prepare a domain into a partitioned folder, streamed if the tables allow it.

    Args:
        spec: description of the domain as in a recipe, or its short form.
        folder: target; empty or missing.
        partitions: number of partitions.
        base: folder of relative paths.
        allow: schemes of addresses that may be opened.

    Returns:
        The memory-mapped domain; and the reason why it could not be streamed, or None.

    Raises:
        InputError: the description or the data are wrong, or the folder cannot be written.
    """
    checked = parse_spec(spec)
    loader = find_loader(checked.loader)
    options = check_options(loader, checked.options, {"base": Path.cwd() if base is None else base})
    check_empty(folder)
    with allowing(allow), whole_folder(folder) as unfinished:
        loaded = loader.load(options)
        if isinstance(loaded, Domain):
            reason: str | None = "the domain is prepared already"
            write_domain(loaded, unfinished, partitions)
        else:
            reason = why_not(loaded, checked.prepare)
            if reason is None:
                prepare_streamed(loaded, checked.prepare, unfinished, partitions, checked.name)
            else:
                write_domain(prepare(loaded, checked.prepare, checked.name).domain, unfinished, partitions)
    return load_prepared(folder), reason
