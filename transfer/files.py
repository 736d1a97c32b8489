"""Writing so that nothing half-written is ever found: a temporary name, then a rename, and one run a folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import Tensor

from domains.errors import RunError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is removed when it does not.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise RunError(
            f"cannot write: {error.strerror or error}", location=path, hint="Free space or choose another --out"
        ) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        elif temporary.exists():
            temporary.unlink()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep every other run out of a folder. The lock goes with the process: a kill leaves none behind.

    Raises:
        InputError: another run is in there, or the folder cannot be written.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(NotImplementedError):  # a file system without locks
            lock.acquire()
    except Timeout:
        raise RunError(
            "another run is writing to this folder", location=folder, hint="Wait for it, or choose another --out"
        ) from None
    except OSError as error:
        raise RunError(
            f"cannot write: {error.strerror or error}", location=folder, hint="Choose another --out"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes it itself
            Path(lock.lock_file).unlink()
        lock.release()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write readable JSON; numbers that are none are refused."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        InputError: no such file, or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError("no such file", location=path, hint="Is this the folder of a finished run?") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"not valid JSON: {error}", location=path, hint="Make the artifact again") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write safetensors, whole or not at all."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        temporary.touch()  # for the permissions that this user gives new files; safetensors would deny all others
        mode = temporary.stat().st_mode
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary)
        temporary.chmod(mode)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors.

    Raises:
        InputError: no such file, or not safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise RunError("no such file", location=path, hint="Is this the folder of a finished run?")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise RunError(f"not readable as safetensors: {error}", location=path, hint="Make the artifact again") from None


class JsonLines:
    """A log with one JSON object a line, flushed line by line."""

    def __init__(self, path: Path, fresh: bool = True) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(
                f"cannot write: {error.strerror or error}", location=path, hint="Choose another --out"
            ) from error
        self.path = path

    def __call__(self, entry: Mapping[str, object]) -> None:
        """Append an object."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
