"""Cache sentence vectors between runs, keyed by text. Shards are written once and never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domains.disk import replacing

Floats = npt.NDArray[np.float32]
_KEY_BYTES = 32
_SMALL_BYTES = 1 << 20
_MANY = 32


def text_keys(texts: Sequence[str]) -> pa.Array:
    """Return the SHA-256 of each text, (n,) fixed_size_binary."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    return pa.array(digests, pa.binary(_KEY_BYTES))


class VectorCache:
    """Key -> vector, in the Arrow files of one folder.

    A shard is named by the SHA-256 of its keys and written atomically: many processes may read and write.

    Args:
        folder: folder of one encoder; created with the first vector.
        dim: length of a vector.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._schema = pa.schema([("key", pa.binary(_KEY_BYTES)), ("vector", pa.list_(pa.float32(), dim))])
        self._dim = dim

    def get(self, keys: pa.Array) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Return (n, dim) float32 vectors, zeros for missing ones, and (n,) bool: which were found."""
        rows = np.zeros((len(keys), self._dim), np.float32)
        found = np.zeros(len(keys), np.bool_)
        for path in sorted(self._folder.glob("*.arrow")):
            if found.all():
                break
            table = self._read(path)
            if table is None:
                continue
            position = pc.index_in(keys, value_set=table["key"].combine_chunks())
            here = position.is_valid().to_numpy(zero_copy_only=False)
            where = position.filter(pa.array(here)).to_numpy()
            rows[here] = self._vectors(table)[where]
            found |= here
        return rows, found

    def put(self, keys: pa.Array, rows: Floats) -> None:
        """Store (n, dim) vectors under n distinct keys. Does nothing if the folder is not writable."""
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), pa.float32()), self._dim)
        # On a full or read-only disk the next run is slower; this run is not affected.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(pa.table([keys, vectors], schema=self._schema))
            self._gather_small()

    def _write(self, table: pa.Table) -> Path:
        """Write a shard and return its path."""
        keys = b"".join(table["key"].to_pylist())
        path = self._folder / f"{hashlib.sha256(keys).hexdigest()[:32]}.arrow"
        with (
            replacing(path) as unfinished,
            pa.OSFile(str(unfinished), "wb") as sink,
            pa.ipc.new_file(sink, self._schema) as writer,
        ):
            writer.write_table(table)
        return path

    def _gather_small(self) -> None:
        """Merge many small shards, for example of single words, into one.

        A reader that misses a deleted shard computes its vectors again.
        """
        small = [path for path in sorted(self._folder.glob("*.arrow")) if path.stat().st_size < _SMALL_BYTES]
        if len(small) < _MANY:
            return
        readable = [table for table in map(self._read, small) if table is not None]
        gathered = self._write(pa.concat_tables([self._schema.empty_table(), *readable]))
        for path in small:
            if path != gathered:
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> pa.Table | None:
        """Read a shard. Returns None for a damaged file, so that its vectors are computed again."""
        try:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
            table.validate(full=True)
        except (OSError, ValueError, pa.ArrowException):  # names that are no text are a ValueError
            return None
        whole = table.schema.equals(self._schema) and all(column.null_count == 0 for column in table.columns)
        return table if whole else None

    def _vectors(self, table: pa.Table) -> Floats:
        flat = table["vector"].combine_chunks().flatten().to_numpy()
        rows: Floats = flat.reshape(-1, self._dim)
        return rows
