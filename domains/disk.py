"""Write files atomically and durably; find the folder of all caches; make temporary folders."""

from __future__ import annotations

import atexit
import errno
import glob
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from domains.errors import InputError, RunError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of a full disk."""
_ANOTHER = "name another place"
ABANDONED_SECONDS = 3600
"""An unfinished file that nobody has written to for so long is abandoned if its process is gone."""
HINTS = {
    **dict.fromkeys(FULL, f"Free space or {_ANOTHER}; finished results are kept"),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), f"A part of this path is a file: {_ANOTHER}"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), f"Ask for the right to use it, or {_ANOTHER}"),
    errno.EISDIR: "This is a folder: name a file in it",
    errno.ENOENT: "Check the path",
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.ELOOP: f"A link leads to itself: remove it, or {_ANOTHER}",
}
"""What to do about an error of the file system."""


def cannot_write(error: OSError, path: Path) -> RunError:
    """Return the error of a file that cannot be written."""
    # Arrow puts its own sentence where the operating system's belongs.
    reason = os.strerror(error.errno) if error.errno else str(error)
    return RunError(
        f"cannot write: {reason}",
        location=path,
        hint=HINTS.get(error.errno or 0, _ANOTHER.capitalize()),
        code="disk-full" if error.errno in FULL else "not-writable",
    )


def destination(path: Path) -> Path:
    """Return the file or folder that would be replaced: of a link, what it points to. It may be missing.

    Raises:
        InputError: the path cannot be followed, or leads to something else, such as a device or a pipe.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise RunError(
                "this is a device or a pipe, and results go into files",
                location=path,
                hint="Name a file",
                code="not-writable",
            )
    except FileNotFoundError:
        pass
    except OSError as error:
        raise cannot_write(error, path) from error
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which replaces `path` if the block ends without an error.

    If the path is a link, what it points to is replaced. File and folder are flushed to the device before and after
    the rename. What killed processes left of the same path is removed.

    Raises:
        InputError: the path leads to a device or a pipe.
        OSError: the file cannot be written, for example because the disk is full.
    """
    path = destination(path)
    _remove_abandoned(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield unfinished
        flush(unfinished)
        unfinished.replace(path)
        flush_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            remove(unfinished)
        raise


def _remove_abandoned(path: Path) -> None:
    """Remove old unfinished files of a path whose processes are gone."""
    prefix, suffix = f".{path.name}.", ".part"
    with suppress(OSError):
        for other in path.parent.glob(f"{glob.escape(prefix)}*-*{suffix}"):
            owner = other.name.removeprefix(prefix).partition("-")[0]
            # A process of another machine seems gone too, but it has written lately.
            abandoned = time.time() - other.stat().st_mtime > ABANDONED_SECONDS
            if abandoned and owner.isdecimal() and not is_alive(int(owner)):
                remove(other)


def is_alive(process: int) -> bool:
    """Return whether a process of this machine lives; True where only a signal would show it."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`, which takes its place if the block ends without an error.

    Args:
        folder: missing or empty.

    Raises:
        InputError: the disk is full, or the folder cannot be written.
    """
    folder = destination(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder) as unfinished:
            try:
                yield unfinished
            except InputError as error:
                where = None if error.location is None else error.location.replace(str(unfinished), str(folder))
                raise error.at(where) from error
            if folder.is_dir():
                folder.rmdir()  # Windows replaces no folder, not even an empty one
    except OSError as error:
        raise cannot_write(error, folder) from error


def reserve(handle: int, size: int) -> None:
    """Take the space that a file needs before its memory is mapped: on a full disk, a later write kills the process.

    Args:
        handle: of a file that is open for writing.
        size: in bytes, at least 1.

    Raises:
        OSError: the disk is full.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)


def flush(path: Path) -> None:
    """Flush a file, or every file of a folder and the folders themselves, to the device."""
    if path.is_dir():
        for child in path.iterdir():
            flush(child)
        flush_folder(path)
        return
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder. Windows and some network file systems cannot and need not."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove unfinished files of killed processes in a folder and below. No other process may be writing there."""
    for path in [*folder.rglob(".*.part"), *folder.rglob(".*.writing")]:
        with suppress(OSError):
            remove(path)


def temporary_folder() -> str:
    """Make a folder that is removed at the end of the process."""
    folder = tempfile.mkdtemp(prefix="domains-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def cache_root() -> Path:
    """Return $TRANSFER_CACHE, else this project's folder among the caches of the platform."""
    chosen = os.environ.get("TRANSFER_CACHE")
    return expand_user(chosen) if chosen else user_cache_path("sememe-transfer", appauthor=False)


def expand_user(path: str) -> Path:
    """Return a path with the folder of a user in place of ``~``; if there is no such user, the name stays."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises if there is no such user
