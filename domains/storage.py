"""Save a `Domain` to a folder and load it: Arrow for strings, .npy for numbers, meta.json for the rest."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domains.disk import cannot_write, flush, flush_folder
from domains.domain import Domain, TimeKind
from domains.errors import DataError
from domains.json_files import RefusedJsonError, read_json_file
from domains.raw_tables import TEXT, text_columns

FORMAT = "domain"
VERSION = 1
META = "meta.json"
ITEMS = "items.arrow"
USERS = "users.arrow"
ARRAYS = {"offsets": np.int64, "items": np.int32, "times": np.int64}
_DAMAGES = (OSError, ValueError, KeyError, TypeError, SyntaxError, TokenError, MemoryError, pa.ArrowException)
"""Errors of NumPy and Arrow for damaged files."""
AGAIN = "Prepare the domain and save it again"


def save_domain(domain: Domain, folder: Path, *, extra: dict[str, Any] | None = None) -> None:
    """Save a domain atomically.

    Args:
        domain: the domain.
        folder: target folder; it may be missing, empty, or hold a saved domain, which is replaced.
        extra: additional values for meta.json, under ``extra``.

    Raises:
        InputError: the folder holds other files, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / META).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(
            "exists and does not hold a saved domain",
            location=folder,
            hint="Give another folder, or remove it",
            code="not-empty",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".writing", dir=folder.parent))
    except OSError as error:
        raise cannot_write(error, folder) from error
    try:
        _write(domain, fresh, extra or {})
        flush(fresh)
        _swap(fresh, folder)
        flush_folder(folder.parent)
    except OSError as error:
        raise cannot_write(error, folder) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as .npy.

    Raises:
        OSError: the file cannot be written; `np.save` would not say why.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(np.ascontiguousarray(array).data)


def load_domain(folder: Path, mmap: bool = True) -> Domain:
    """Load a saved domain.

    Args:
        folder: folder written by `save_domain`.
        mmap: memory-map the arrays instead of reading them.

    Raises:
        InputError: there is no saved domain, or it is damaged or of another version.
    """
    folder = Path(folder)
    meta = read_meta(folder)
    try:
        arrays = {name: _read_numbers(folder, name, meta, mmap) for name in ARRAYS}
        items = _read_strings(folder / ITEMS, mmap)
        users = _read_strings(folder / USERS, mmap)
        return Domain(
            name=_text(meta["name"]),
            item_ids=_column(items, "item_id"),
            titles=_column(items, "title"),
            categories=_column(items, "categories") if "categories" in items.column_names else None,
            user_ids=_column(users, "user_id"),
            time_kind=TimeKind(meta["time_kind"]),
            repeats=bool(meta["repeats"]),
            texts={name.removeprefix(TEXT): _column(items, name) for name in text_columns(items.column_names)},
            **arrays,
        )
    except _DAMAGES as error:
        raise DataError(f"is damaged: {error}", location=folder, hint=AGAIN, code="damaged") from error


def read_meta(folder: Path) -> dict[str, Any]:
    """Read and check the meta.json of a saved domain."""
    try:
        meta = read_json_file(folder / META)
    except FileNotFoundError as error:
        raise DataError(
            f"no saved domain (no {META})", location=folder, hint="Check the path", code="no-domain"
        ) from error
    except (OSError, RefusedJsonError) as error:
        raise DataError(f"is damaged: {error}", location=folder / META, hint=AGAIN, code="damaged") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DataError("does not describe a domain", location=folder / META, hint="Check the path", code="no-domain")
    if meta.get("version") != VERSION:
        raise DataError(
            f"is of format version {meta.get('version')}, this program reads version {VERSION}",
            location=folder,
            hint=AGAIN,
            code="version",
        )
    return meta


def _write(domain: Domain, folder: Path, extra: dict[str, Any]) -> None:
    items = {"item_id": domain.item_ids, "title": domain.titles}
    if domain.categories is not None:
        items["categories"] = domain.categories
    items |= {f"{TEXT}{name}": values for name, values in domain.texts.items()}
    _write_strings(folder / ITEMS, items)
    _write_strings(folder / USERS, {"user_id": domain.user_ids})
    for name, dtype in ARRAYS.items():
        save_array(folder / f"{name}.npy", np.asarray(getattr(domain, name), dtype=dtype))
    meta = {
        "format": FORMAT,
        "version": VERSION,
        "name": domain.name,
        "time_kind": domain.time_kind.value,
        "repeats": domain.repeats,
        "users": domain.n_users,
        "items": domain.n_items,
        "interactions": domain.n_interactions,
        "extra": extra,
    }
    (folder / META).write_text(json.dumps(meta, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _swap(fresh: Path, folder: Path) -> None:
    """Move the new folder into place. A folder cannot be replaced in one step, so an old one is moved away first."""
    if not folder.exists():
        fresh.replace(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", suffix=".writing", dir=folder.parent))
    folder.replace(aside / "old")
    try:
        fresh.replace(folder)
    except OSError:
        (aside / "old").replace(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _write_strings(path: Path, columns: dict[str, pa.Array]) -> None:
    table = pa.table({name: pa.concat_arrays([array]) for name, array in columns.items()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read_strings(path: Path, mmap: bool) -> pa.Table:
    with pa.memory_map(str(path)) if mmap else pa.OSFile(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    table.validate(full=True)  # Arrow does not check offsets of strings: a damaged file would read other memory
    return table


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the name is {type(value).__name__}, not text")
    return value


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    lists = name == "categories" or name.startswith(TEXT)
    inner = column.type.value_type if lists and pa.types.is_large_list(column.type) else column.type
    if not (pa.types.is_large_string(inner) or pa.types.is_string(inner)) or column.null_count:
        raise ValueError(f"{name} holds {column.type} with {column.null_count} nulls, not text")
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _read_numbers(folder: Path, name: str, meta: dict[str, Any], mmap: bool) -> npt.NDArray[Any]:
    # NumPy cannot map an empty array.
    mode: Literal["r"] | None = "r" if mmap and meta["interactions"] else None
    array: npt.NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode=mode, allow_pickle=False)
    if array.ndim != 1 or array.dtype != ARRAYS[name]:
        raise ValueError(f"{name}.npy holds {array.dtype} of {array.ndim} dimensions")
    return array
