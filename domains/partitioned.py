"""The partitioned folder of a prepared domain, which any engine can write: see docs/scale.md.

::

    manifest.json                  written last: sizes, partitions, format
    users.arrow, items.arrow       ids (and texts of items); the row is the index
    interactions/part-00000.parquet   user, item, time; sorted by user, time, position in the file
    domain/                        a saved domain, whose arrays are memory-mapped
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from domains.disk import cannot_write, replacing, reserve, sweep
from domains.domain import Domain, Ints, ItemIndices, TimeKind, spread
from domains.errors import DataError, SettingsError
from domains.json_files import RefusedJsonError, read_json_file
from domains.storage import load_domain, save_domain

FORMAT = "prepared"
VERSION = 1
MANIFEST = "manifest.json"
DOMAIN = "domain"
INTERACTIONS = "interactions"
PART = pa.schema([("user", pa.int64()), ("item", pa.int32()), ("time", pa.int64())])
HASH = "first 8 hex digits of sha256 of the user id in UTF-8, as an unsigned number, modulo the partitions"
MOST_PARTITIONS = 100_000


def partition_of(user_ids: pa.Array | npt.NDArray[Any], partitions: int) -> Ints:
    """Return the partition of each user by `HASH`, (U,) int64.

    Args:
        user_ids: (U,) text.
        partitions: number of partitions.
    """
    texts = user_ids.to_pylist() if isinstance(user_ids, pa.Array | pa.ChunkedArray) else user_ids
    # The engines share no SHA-256 on columns; hashlib takes less than a microsecond per user.
    heads = b"".join(hashlib.sha256(text.encode()).digest()[:4] for text in texts)
    return np.frombuffer(heads, dtype=">u4").astype(np.int64) % partitions


def part_path(folder: Path, index: int) -> Path:
    """Return the file of one partition."""
    return folder / INTERACTIONS / f"part-{index:05}.parquet"


def begin(folder: Path, partitions: int) -> None:
    """Create the folder for partitions.

    Raises:
        InputError: it is not empty, or cannot be written.
    """
    if not 1 <= partitions <= MOST_PARTITIONS:
        raise SettingsError(
            f"{partitions} is not a number of partitions",
            location="--partitions",
            hint="Write 1 or more",
            code="partitions",
        )
    check_empty(folder)
    try:
        (folder / INTERACTIONS).mkdir(parents=True)
    except OSError as error:
        raise cannot_write(error, folder) from error


def check_empty(folder: Path) -> None:
    """Raise if there is something in the folder, or a file of its name.

    Raises:
        InputError: there is.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(
            "exists and is not empty", location=folder, hint="Give another folder, or remove it", code="not-empty"
        )


def write_part(
    folder: Path, index: int, users: npt.NDArray[Any], items: npt.NDArray[Any], times: npt.NDArray[Any]
) -> None:
    """Write one partition atomically. Engines call this so that their files have the same bytes.

    Args:
        folder: the partitioned folder.
        index: index of the partition, from 0.
        users: (n,) indices, ascending.
        items: (n,) indices.
        times: (n,) unix seconds or ranks, ascending within a user.
    """
    table = pa.table([users, items, times], schema=PART)
    with replacing(part_path(folder, index)) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")


def write_domain(domain: Domain, folder: Path, partitions: int) -> None:
    """Write a domain in memory as a partitioned folder.

    Raises:
        InputError: the folder is not empty or cannot be written.
    """
    begin(folder, partitions)
    place = partition_of(domain.user_ids, partitions)
    for index in range(partitions):
        users = np.flatnonzero(place == index)
        rows = spread(domain.offsets[users], domain.lengths[users])[1]
        write_part(folder, index, np.repeat(users, domain.lengths[users]), domain.items[rows], domain.times[rows])
    finish(folder, partitions, _shell(domain), time_kind=domain.time_kind, repeats=domain.repeats)


def finish(
    folder: Path,
    partitions: int,
    strings: Mapping[str, Any],
    *,
    time_kind: TimeKind = TimeKind.TIMESTAMP,
    repeats: bool = False,
) -> Domain:
    """Gather the partitions into memory-mapped arrays, check them, and write the manifest.

    Args:
        folder: the folder with every partition.
        partitions: number of partitions.
        strings: name, ids, titles and texts: the arguments of `Domain` that are not numbers.
        time_kind: kind of the times.
        repeats: whether a user may have an item more than once.

    Raises:
        InputError: a partition is missing, or the partitions contradict the ids.
    """
    users = len(strings["user_ids"])
    lengths = np.zeros(users, dtype=np.int64)
    for index in range(partitions):
        lengths += np.bincount(_column(folder, index, "user"), minlength=users)
    offsets: Ints = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    with TemporaryDirectory(dir=folder, prefix=".", suffix=".writing") as scratch:
        items: ItemIndices = _mapped(Path(scratch) / "items.npy", np.dtype(np.int32), int(offsets[-1]))
        times: Ints = _mapped(Path(scratch) / "times.npy", np.dtype(np.int64), int(offsets[-1]))
        for index in range(partitions):
            owners = np.unique(_column(folder, index, "user"))
            rows = spread(offsets[owners], lengths[owners])[1]
            items[rows] = _column(folder, index, "item")
            times[rows] = _column(folder, index, "time")
        domain = Domain(**strings, offsets=offsets, items=items, times=times, time_kind=time_kind, repeats=repeats)
        save_domain(domain, folder / DOMAIN)
    for name in ("users.arrow", "items.arrow"):
        (folder / name).hardlink_to(folder / DOMAIN / name)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "name": domain.name,
        "users": domain.n_users,
        "items": domain.n_items,
        "interactions": domain.n_interactions,
        "time_kind": domain.time_kind.value,
        "repeats": domain.repeats,
        "partitions": partitions,
        "partition": HASH,
        "rows": [pq.read_metadata(part_path(folder, index)).num_rows for index in range(partitions)],
    }
    with replacing(folder / MANIFEST) as unfinished:
        unfinished.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sweep(folder)
    return load_domain(folder / DOMAIN)


def load_prepared(folder: Path) -> Domain:
    """Memory-map a folder that `finish` completed.

    Raises:
        InputError: the manifest is missing or of another version, or the folder is damaged.
    """
    path = folder / MANIFEST
    try:
        manifest = read_json_file(path)
    except FileNotFoundError as error:
        raise DataError(
            f"no prepared domain (no {MANIFEST})",
            location=folder,
            hint="Check the path; run an interrupted preparation again, into an empty folder",
            code="no-domain",
        ) from error
    except (OSError, RefusedJsonError) as error:
        raise DataError(
            f"is damaged: {error}", location=path, hint="Prepare the domain again", code="damaged"
        ) from error
    if not isinstance(manifest, dict) or (manifest.get("format"), manifest.get("version")) != (FORMAT, VERSION):
        raise DataError(
            f"is not a manifest of {FORMAT}, version {VERSION}",
            location=path,
            hint="Prepare the domain again",
            code="version",
        )
    return load_domain(folder / DOMAIN)


def _shell(domain: Domain) -> dict[str, Any]:
    names = ("name", "item_ids", "titles", "categories", "user_ids", "texts")
    return {name: getattr(domain, name) for name in names}


def _column(folder: Path, index: int, name: str) -> npt.NDArray[Any]:
    path = part_path(folder, index)
    try:
        table = pq.read_table(path, columns=[name], partitioning=None)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"cannot be read: {error}", location=path, hint="Write this part again", code="damaged"
        ) from error
    column: npt.NDArray[Any] = table.column(0).to_numpy()
    return column


def _mapped(path: Path, dtype: np.dtype[Any], size: int) -> npt.NDArray[Any]:
    if not size:
        return np.zeros(0, dtype)  # an empty file cannot be mapped
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": (size,)})
        file.flush()
        reserve(file.fileno(), file.tell() + size * dtype.itemsize)
    return np.lib.format.open_memmap(path, mode="r+")
