"""Recommendations for many users, written to files in tiles and shards; interrupted calls resume."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import torch

from domains.disk import destination
from domains.domain import Domain
from domains.errors import DataError, RunError, SettingsError
from domains.newer import Reading
from transfer.files import replacing
from transfer.progress import Progress, Silent
from transfer.release import release
from transfer.runs.sharing import check_outside
from transfer.serving.history import History
from transfer.serving.input_files import Asked, asked_in, histories_in, read_ids, users_in
from transfer.serving.reasons import KINDS, WHOLE, Reasons
from transfer.serving.recommend import ALL, Filters, Recommender

TILE = 1024
"""Number of users scored at once."""
SCHEMA = pa.schema(
    [
        ("user_id", pa.large_string()),
        ("rank", pa.int32()),
        ("item_id", pa.large_string()),
        ("score", pa.float32()),
        ("reason", pa.large_string()),
    ]
)
FOR_PEOPLE = SCHEMA.insert(3, pa.field("title", pa.large_string()))
"""Columns of a CSV file, which people read."""
PROBLEMS = pa.schema([("user_id", pa.large_string()), ("problem", pa.large_string())])
UNANSWERED = ".unanswered"
"""Between name and suffix of the side file with the ids of users without recommendations, and the reason for each."""
CSV = ".csv"
FORMATS = (".parquet", CSV)
IDENTITY = b"transfer.identity"
"""Key of a Parquet file's metadata: SHA-256 over all that its recommendations depend on."""
PREFIX = {"after": "after ", "like": "like ", "with": "goes with ", **WHOLE}
EVERYBODY = "all"


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the work.

    Attributes:
        index: number of this part, from 1.
        count: number of parts.
    """

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``.

        Raises:
            InputError: the text is not one of 1/n to n/n.
        """
        first, _, second = text.partition("/")
        if not (first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second)):
            raise SettingsError(
                f"{text!r} is no shard", location="--shard", hint="Write 1/8 for the first of eight", code="shard"
            )
        return cls(int(first), int(second))

    def of(self, count: int) -> slice:
        """Return the slice of `count` entries that belongs to this shard."""
        return slice(count * (self.index - 1) // self.count, count * self.index // self.count)


@dataclass(frozen=True)
class Written:
    """The result of a batch.

    Attributes:
        files: files of recommendations, with those finished by earlier calls.
        kept: number of files that an earlier call finished and nothing has changed for.
        people: number of users with recommendations, of this call.
        unanswered: number of users without recommendations, of this call; the side files list them.
        notes: how files of users and histories were read.
    """

    files: tuple[Path, ...]
    kept: int
    people: int
    unanswered: int
    notes: tuple[str, ...] = ()


def recommend_all(
    recommender: Recommender,
    out: Path,
    *,
    users: str | Path = EVERYBODY,
    history_file: str | Path | None = None,
    count: int = 20,
    filters: Filters = ALL,
    shard: Shard | None = None,
    reasons: bool = True,
    progress: Progress | None = None,
) -> Written:
    """Write recommendations for many users.

    Args:
        recommender: recommender of a target run.
        out: a Parquet or CSV file; a folder of Parquet files if there are shards, or if `users` is a folder.
        users: ``all``, a file of ids, or a folder of Parquet files, each a list of users or a table of histories. Every
            file of the folder gives a file of the same name.
        history_file: a table of interactions that replaces the run's histories.
        count: number of items per user.
        filters: which items may be recommended.
        shard: write one of several parts only; the others can run on other machines.
        reasons: whether to add reasons.
        progress: shows progress.

    A Parquet file that is there already stays if it was made of the same model, histories and options.

    Raises:
        InputError: a file cannot be read or written, or `out` has another format or is inside the run.
    """
    progress = progress or Silent()
    domain = recommender.run.domain
    check_outside(recommender.run, out)
    if Path(users).is_dir():
        parts = sorted(path for path in Path(users).iterdir() if path.suffix == ".parquet")
        if not parts:
            raise DataError(
                "no Parquet file in this folder", location=users, hint="Name a folder of *.parquet", code="no-file"
            )
        mine = parts[(shard or Shard()).of(len(parts))]
        jobs: list[tuple[Path, Path | None]] = [(out / part.name, part) for part in mine]
    else:
        name = None if shard is None else f"part-{shard.index:05}-of-{shard.count:05}.parquet"
        jobs = [(_writable(out) if name is None else out / name, None)]
    for file, _ in jobs:
        destination(file)
    reading = Reading.of(recommender.run.recipe.target)
    notes: dict[str, None] = {}
    kept = people = unanswered = 0
    for file, part in jobs:
        if part is not None:
            asked = asked_in(domain, part, reading)
        else:
            asked = _part(_asked(domain, users, history_file, reading), shard or Shard())
        notes.update(dict.fromkeys(asked.notes))
        identity = None if file.suffix.lower() == CSV else _identity(recommender, asked, count, filters, reasons)
        somebody = asked.history.domain.n_users or not asked.unanswered  # where nobody is answered, say so again
        if identity is not None and somebody and _identity_of(file) == identity:
            kept += 1
            continue
        _write(recommender, asked, file, count, filters, reasons, identity, progress)
        people += asked.history.domain.n_users
        unanswered += len(asked.unanswered)
    return Written(tuple(file for file, _ in jobs), kept, people, unanswered, tuple(notes))


def _writable(out: Path) -> Path:
    """Return the path if its suffix is that of a format; without a suffix it is Parquet.

    Raises:
        InputError: another suffix, or a folder.
    """
    if out.is_dir():
        raise SettingsError(
            "this is a folder", location=out, hint=f"Name a file in it: {out / 'recs.parquet'}", code="out-format"
        )
    if out.suffix and out.suffix.lower() not in FORMATS:
        raise SettingsError(
            f"recommendations cannot be written as {out.suffix}",
            location=out,
            hint=f"Name a file that ends in {' or '.join(FORMATS)}",
            code="out-format",
        )
    return out


def _identity(recommender: Recommender, asked: Asked, count: int, filters: Filters, reasons: bool) -> str:
    """Return the SHA-256 of all that recommendations depend on: toolkit, model, histories and options."""
    facts = [
        release(),
        f"{recommender.run.digest} {recommender.first_new}",
        asked.history.domain.fingerprint,
        asked.unanswered,
        [count, reasons, filters.allow_seen],
        [None if places is None else places.tolist() for places in (filters.only, filters.without)],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _identity_of(file: Path) -> str | None:
    """Return the identity that a Parquet file was written with; None if there is no such file."""
    try:
        found = (pq.read_metadata(file).metadata or {}).get(IDENTITY)
    except (OSError, ValueError):  # another file
        return None
    return None if found is None else found.decode()


def answers(
    recommender: Recommender, history: History, count: int, filters: Filters = ALL, reasons: bool = True
) -> Iterator[pa.Table]:
    """Yield recommendations, tile by tile, with the columns of `SCHEMA`."""
    labels = pa.array([recommender.titles.label(i) for i in range(history.domain.n_items)], pa.large_string())
    item_ids = recommender.run.domain.item_ids.cast(pa.large_string())

    def tile(first: int) -> pa.Table:
        people = np.arange(first, min(first + TILE, history.domain.n_users), dtype=np.int64)
        mine = History.of_users(history.domain, people)
        top = recommender.top(mine, count, filters)
        row, column = np.nonzero(top.items >= 0)
        items = pa.array(top.items[row, column])
        return pa.table(
            [
                mine.domain.user_ids.cast(pa.large_string()).take(pa.array(row)),
                pa.array((column + 1).astype(np.int32)),
                item_ids.take(items),
                pa.array(top.scores[row, column]),
                _reasons(recommender.reasons, mine, top.items, labels, row, column) if reasons else _none(len(row)),
            ],
            schema=SCHEMA,
        )

    return _in_order(tile, range(0, history.domain.n_users, TILE))


def _in_order(work: Callable[[int], pa.Table], firsts: Sequence[int]) -> Iterator[pa.Table]:
    """Yield results in order; each thread computes a tile alone, which is faster than a tile on all cores.

    The bytes are the same on any number of cores. Few results wait, so that memory stays bounded.
    """
    cores = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            waiting: deque[Future[pa.Table]] = deque()
            for number, first in enumerate(firsts):
                waiting.append(pool.submit(work, first))
                if number == 0:
                    waiting[0].result()  # what all tiles share is prepared once
                if len(waiting) > 2 * cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    finally:
        torch.set_num_threads(cores)  # the threads above set what later ones begin with, too


def _asked(domain: Domain, users: str | Path, history_file: str | Path | None, reading: Reading) -> Asked:
    """Return the requested users with their histories.

    Raises:
        InputError: a file cannot be read, or there are no users.
    """
    if history_file is None:
        if not domain.n_users:
            raise RunError(
                "a shared copy holds no users",
                location="--users",
                hint="Give --history-file with their interactions",
                code="run-without-users",
            )
        if str(users) == EVERYBODY:
            return Asked(History.of_users(domain, np.arange(domain.n_users, dtype=np.int64)))
        return users_in(domain, read_ids(users, "user", domain, reading))
    fresh = histories_in(domain, history_file, reading)
    if str(users) == EVERYBODY:
        return fresh
    there = fresh.history.domain
    chosen = users_in(there, read_ids(users, "user", there, reading))
    why = dict(fresh.unanswered)
    lacking = tuple((name, why.get(name, f"not in {Path(history_file).name}")) for name, _ in chosen.unanswered)
    return Asked(chosen.history, lacking, fresh.notes + chosen.notes)


def _part(asked: Asked, shard: Shard) -> Asked:
    mine = np.arange(asked.history.domain.n_users, dtype=np.int64)[shard.of(asked.history.domain.n_users)]
    if len(mine) == asked.history.domain.n_users:
        return asked
    history = History.of_users(asked.history.domain, mine)
    return Asked(history, asked.unanswered[shard.of(len(asked.unanswered))], asked.notes)


def beside(file: Path) -> Path:
    """Return the side file of a file of recommendations; see `UNANSWERED`."""
    return file.with_name(file.stem + UNANSWERED + file.suffix)


def _write(
    recommender: Recommender,
    asked: Asked,
    file: Path,
    count: int,
    filters: Filters,
    reasons: bool,
    identity: str | None,
    progress: Progress,
) -> None:
    """Write one file of recommendations: Parquet with its identity, or CSV, which has none.

    The side file is written first, so a finished part has both.
    """
    side = beside(file)
    if asked.unanswered:
        names, problems = zip(*asked.unanswered, strict=True)
        with replacing(side) as unfinished, _writer(unfinished, side.suffix, PROBLEMS) as writer:
            writer.write_table(pa.table([list(names), list(problems)], schema=PROBLEMS))
    else:
        side.unlink(missing_ok=True)  # an earlier call may have left some
    tiles = -(-asked.history.domain.n_users // TILE)
    schema = FOR_PEOPLE if identity is None else SCHEMA.with_metadata({IDENTITY: identity})
    with (
        replacing(file) as unfinished,
        _writer(unfinished, file.suffix, schema) as writer,
        progress.task(f"Recommendations to {file.name}", tiles) as bar,
    ):
        for table in answers(recommender, asked.history, count, filters, reasons):
            writer.write_table(_with_titles(table, recommender.run.domain) if identity is None else table)
            bar.advance()


def _with_titles(table: pa.Table, domain: Domain) -> pa.Table:
    places = pc.index_in(table["item_id"], value_set=domain.item_ids.cast(pa.large_string()))
    return table.add_column(3, FOR_PEOPLE.field("title"), pc.take(domain.titles.cast(pa.large_string()), places))


def _writer(path: Path, suffix: str, schema: pa.Schema) -> AbstractContextManager[pa_csv.CSVWriter | pq.ParquetWriter]:
    """Open a writer of tables: CSV or Parquet, by the suffix that the finished file will have."""
    if suffix.lower() == CSV:
        return pa_csv.CSVWriter(path, schema)
    return pq.ParquetWriter(path, schema)


def _reasons(
    reasons: Reasons,
    history: History,
    items: np.ndarray,
    labels: pa.Array,
    row: np.ndarray,
    column: np.ndarray,
) -> pa.Array:
    past, kind = (found[row, column] for found in reasons.chosen(history, items))
    prefix = pa.array([PREFIX[name] for name in KINDS], pa.large_string()).take(pa.array(kind))
    names = labels.take(pa.array(np.where(past >= 0, past, 0)))
    silent = pa.array(np.isin(kind, [KINDS.index(name) for name in WHOLE]))
    return pc.binary_join_element_wise(prefix, pc.if_else(silent, "", names), pa.scalar("", pa.large_string()))


def _none(count: int) -> pa.Array:
    return pa.nulls(count, pa.large_string())
