"""Read and write the files of runs: atomic, flushed to the device, and one run per folder."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from domains import disk
from domains.disk import cannot_write
from domains.errors import RunError
from domains.json_files import RefusedJsonError, read_json_file

MADE_AGAIN = "Make the artifact again"
HEAD = "sealed"
"""Key of the text in the header of a tensor file."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`. It replaces `path` if the block ends without an error.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk.replacing(path) as unfinished:
            yield unfinished
    except OSError as error:
        raise cannot_write(error, path) from error


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a folder against other runs. The lock ends with the process, also if it is killed.

    A new folder is private to its owner. Temporary files of a killed run are removed.

    Raises:
        InputError: another run is in there, or the folder cannot be written.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        private_folder(folder)
        with suppress(NotImplementedError):  # the file system has no locks
            lock.acquire()
    except Timeout:
        raise RunError(
            "another run is writing to this folder",
            location=folder,
            hint="Wait for it, or choose another --out",
            code="folder-in-use",
        ) from None
    except OSError as error:
        raise cannot_write(error, folder) from error
    try:
        disk.sweep(folder)
        _remove_scratch(folder)
        yield
    finally:
        _give_up(lock)


def _give_up(lock: FileLock) -> None:
    """Release a lock and remove its file."""
    with suppress(OSError):  # Windows removes it itself
        Path(lock.lock_file).unlink()
    lock.release()


SCRATCH = "scratch"
"""Prefix of the names of folders for intermediate results; rank and process id follow."""


def scratch_folder(folder: Path, rank: int) -> Path:
    """Return the folder for intermediate results of this process. The next run removes it if this one is killed."""
    return folder / f"{SCRATCH}-{rank}-{os.getpid()}"


def _remove_scratch(folder: Path) -> None:
    """Remove intermediate results of processes that are gone."""
    for path in folder.glob(f"{SCRATCH}-*-*"):
        owner = path.name.rsplit("-", 1)[1]
        if not (owner.isdigit() and disk.is_alive(int(owner))):
            with suppress(OSError):
                disk.remove(path)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can open; an existing folder keeps its permissions."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(data: Any) -> str:
    """Return indented JSON. Raise ValueError for NaN and infinity."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, data: Any) -> None:
    """Write indented JSON atomically."""
    write_text(path, json_text(data))


def read_json(path: Path) -> Any:
    """Read JSON that may come from a stranger.

    Raises:
        InputError: no such file, or not JSON that a program of ours would write; see `read_json_file`.
    """
    try:
        return read_json_file(path)
    except FileNotFoundError:
        raise RunError(
            "no such file", location=path, hint="Is this the folder of a finished run?", code="no-file"
        ) from None
    except (RefusedJsonError, OSError) as error:
        raise RunError(f"not valid JSON: {error}", location=path, hint=MADE_AGAIN, code="run-damaged") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], head: str | None = None) -> None:
    """Write safetensors atomically; the same content gives the same bytes.

    Args:
        path: the file.
        tensors: tensors by name.
        head: a text to store in the header; only one, because several would be written in random order.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        temporary.touch()  # new files get the user's default permissions; safetensors would deny access to others
        mode = temporary.stat().st_mode
        try:
            save_file(whole, temporary, None if head is None else {HEAD: head})
        except SafetensorError as error:  # the writer hides the error number of the operating system
            full = "os error 28" in str(error) or "No space" in str(error)
            raise OSError(
                errno.ENOSPC if full else errno.EIO, "No space left on device" if full else str(error)
            ) from None
        temporary.chmod(mode)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors.

    Raises:
        InputError: no such file, or not safetensors.
    """
    with _readable(path):
        return load_file(path)


def write_sealed(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str] | None = None) -> None:
    """Write safetensors with the digest of their contents in the header; see `write_tensors`."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    sealed = {"facts": dict(facts or {}), "sha256": digest_of(whole, facts or {})}
    write_tensors(path, whole, json.dumps(sealed, sort_keys=True))


def read_sealed(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what `write_sealed` wrote: tensors and facts.

    Raises:
        InputError: no such file, not safetensors, or the contents were changed.
    """
    with _readable(path):
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            sealed = json.loads((file.metadata() or {}).get(HEAD, "{}"))
            facts = {str(name): str(text) for name, text in sealed.get("facts", {}).items()}
    if sealed.get("sha256") != digest_of(tensors, facts):
        raise RunError(
            "this file was changed after it was written",
            location=path,
            hint="Delete it; the next run writes it again",
            code="file-changed",
        )
    return tensors, facts


def digest_of(tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> str:
    """Return the SHA-256, in hexadecimal digits, of tensors and facts."""
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}".encode())
        if tensor.numel():
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise RunError("no such file", location=path, hint="Is this the folder of a finished run?", code="no-file")
    try:
        yield
    except (SafetensorError, OSError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(
            f"not readable as safetensors: {error}", location=path, hint=MADE_AGAIN, code="run-damaged"
        ) from None


class JsonLines:
    """A log with one JSON object per line, flushed after each line. It has one line for each epoch of a stage.

    A run that resumes from a checkpoint repeats the epochs after it, so their lines are removed. Several processes may
    write to one log; each knows the lines of its own stages.

    Args:
        path: the file.
        fresh: whether to begin with an empty log.
    """

    def __init__(self, path: Path, fresh: bool = True) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(error, path) from error
        lines, self._torn = self._read()
        self._met = {key for key, _ in lines} - {None}

    def __call__(self, entry: Mapping[str, object]) -> None:
        """Append an object."""
        key = _key(entry)
        try:
            with self._alone():
                if self._torn or key in self._met:
                    self._remove_from(key)
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        except OSError as error:
            raise cannot_write(error, self.path) from error
        self._met.add(key)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from writing to the log."""
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        with suppress(NotImplementedError):  # the file system has no locks
            lock.acquire()
        try:
            yield
        finally:
            _give_up(lock)

    def _remove_from(self, key: tuple[object, object] | None) -> None:
        """Remove the lines of a stage from an epoch on, and lines that a killed process did not finish."""
        lines, _ = self._read()
        kept = [line for _, line in lines]
        if key is not None and key in (old for old, _ in lines):
            first = [old for old, _ in lines].index(key)
            kept = kept[:first] + [line for old, line in lines[first:] if old is None or old[0] != key[0]]
        write_text(self.path, "".join(f"{line}\n" for line in kept))
        self._torn = False

    def _read(self) -> tuple[list[tuple[tuple[object, object] | None, str]], bool]:
        """Return stage and epoch of each line with the line, and whether a killed process left a line unfinished."""
        if not self.path.is_file():
            return [], False
        found = []
        text = self.path.read_text(encoding="utf-8", errors="replace")
        torn = bool(text) and not text.endswith("\n")
        for line in text.split("\n")[:-1]:
            try:
                found.append((_key(json.loads(line)), line))
            except (ValueError, RecursionError):
                torn = True
        return found, torn


def _key(entry: Any) -> tuple[object, object] | None:
    """Return stage and epoch of a line; None if it has none."""
    if not isinstance(entry, Mapping) or "stage" not in entry or "epoch" not in entry:
        return None
    return entry["stage"], entry["epoch"]
