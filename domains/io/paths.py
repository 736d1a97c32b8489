"""Paths, globs and addresses: which may be opened, and which files they name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from glob import has_magic
from itertools import takewhile
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, ValidationInfo

from domains.disk import expand_user
from domains.errors import DataError, SettingsError

SCHEMES = ("https", "s3", "gs")
"""Schemes that can be allowed."""
VARIABLE = "TRANSFER_ALLOW"
_given: ContextVar[frozenset[str] | None] = ContextVar("allowed_schemes", default=None)


def is_url(path: str) -> bool:
    """Whether a text is an address and not a path."""
    return "://" in path or "::" in path


def allowed_schemes() -> frozenset[str]:
    """Return the schemes given to `allowing`, else those in $TRANSFER_ALLOW.

    Raises:
        InputError: the variable names another scheme than `SCHEMES`.
    """
    given = _given.get()
    if given is not None:
        return given
    return check_schemes(os.environ.get(VARIABLE, "").replace(",", " ").split(), f"${VARIABLE}")


def check_schemes(schemes: Collection[str], location: str) -> frozenset[str]:
    """Return the schemes if all of them can be allowed.

    Raises:
        InputError: one is not in `SCHEMES`.
    """
    unknown = sorted(set(schemes) - set(SCHEMES))
    if unknown:
        hint = f"Choose from {', '.join(SCHEMES)}; download other files and give their paths"
        raise SettingsError(f"{unknown[0]!r} cannot be allowed", location=location, hint=hint, code="address")
    return frozenset(schemes)


@contextmanager
def allowing(schemes: Collection[str] | None) -> Iterator[None]:
    """Allow these schemes within the block; None uses $TRANSFER_ALLOW."""
    token = _given.set(None if schemes is None else frozenset(schemes))
    try:
        yield
    finally:
        _given.reset(token)


def check_address(url: str) -> None:
    """Raise if an address must not be opened.

    Raises:
        InputError: its scheme is not allowed, or it chains several protocols.
    """
    scheme = url.partition("://")[0].lower()
    by_hand = "Download the file and give its path"
    if "::" in url:
        raise SettingsError("chains of protocols are not opened", location=url, hint=by_hand, code="address")
    if scheme == "file":
        raise SettingsError("is a local file", location=url, hint="Give its path", code="address")
    if scheme in allowed_schemes():
        return
    if scheme in SCHEMES:
        hint = f"If you trust it: transfer --allow {scheme} ..., {VARIABLE}={scheme}, or allow=[{scheme!r}] in Python"
        raise SettingsError(f"addresses with {scheme}:// are not allowed", location=url, hint=hint, code="address")
    hint = f"{by_hand}; only {', '.join(SCHEMES)} can be allowed"
    raise SettingsError(f"addresses with {scheme}:// are not opened", location=url, hint=hint, code="address")


def resolve(path: str, info: ValidationInfo) -> str:
    """Return an absolute path if the validation context has a ``base``, else the text itself. It may not be empty."""
    if not path.strip():
        raise ValueError("a path must not be empty")
    base = (info.context or {}).get("base")
    if is_url(path) or base is None:
        return path
    expanded = expand_user(path)
    if expanded.is_absolute():
        return str(expanded)
    beside = Path(base) / expanded
    if _exists(beside) or not _exists(Path.cwd() / expanded):
        return str(beside)
    return str(Path.cwd() / expanded)


def expand_pattern(pattern: str) -> list[Path]:
    """Return the sorted matches of a glob; ``**`` crosses folders."""
    path = Path(pattern)
    return sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))


def _exists(path: Path) -> bool:
    """Whether the path exists, up to its first wildcard."""
    return Path(*path.parts[: _plain_parts(path)]).exists()


def _plain_parts(path: str | Path) -> int:
    """Return the number of parts of a path before its first wildcard."""
    return len(list(takewhile(lambda part: not has_magic(part), Path(path).parts)))


InputPath = Annotated[str, AfterValidator(resolve)]
"""A file, folder, glob or URL. Relative paths start at the ``base`` of the validation context."""


KINDS: Mapping[str, str] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".txt": "csv",
    ".dat": "csv",
    ".data": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".inter": "tsv",
    ".item": "tsv",
}
OTHERS: Mapping[str, str] = {
    **dict.fromkeys((".zip", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz"), "Unpack it and give the file in it"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "Save the sheet as CSV"),
    **dict.fromkeys((".sql", ".db", ".sqlite", ".sqlite3"), "Export the table as CSV"),
    **dict.fromkeys((".pkl", ".pickle", ".npz", ".mat", ".h5"), "Save it as Parquet or CSV with the program behind it"),
}
"""Endings of files that are not read, and a hint."""
COMPRESSIONS = frozenset({".gz", ".zst"})
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""Stands for no value in the name of a folder."""


def expand(source: str) -> list[str]:
    """List the data files of a path, a glob or a folder, sorted, without hidden files and markers (``_SUCCESS``).

    Raises:
        InputError: there are none.
    """
    path = Path(source)
    if path.is_file():
        return [source]
    if path.is_dir():
        found = [str(file) for file in path.rglob("*") if file.is_file() and _visible(file.relative_to(path))]
    elif has_magic(source):
        found = [str(file) for file in expand_pattern(source) if file.is_file() and _visible(Path(file.name))]
    else:
        raise DataError(
            "no such file",
            location=source,
            hint="Check the path. A relative one in a recipe starts at its folder, then at the working folder",
            code="no-file",
        )
    if not found:
        raise DataError("no data files", location=source, hint="Check the folder or the pattern", code="no-file")
    return sorted(found)


def partition_of(file: str, source: str) -> dict[str, str | None]:
    """Return the values in the names of Hive's folders between a source and one of its files: ``date=2024-01-31``."""
    parts = Path(file).parent.parts[len(Path(source).parts) if Path(source).is_dir() else _plain_parts(source) :]
    named = (part.partition("=") for part in parts if "=" in part)
    return {name: None if value == HIVE_NULL else unquote(value) for name, _, value in named}


def kind_of(files: Sequence[str], source: str) -> str:
    """Return the one kind of all the files: parquet, arrow, json, csv or tsv.

    Raises:
        InputError: the kinds differ, or one is unknown.
    """
    kinds = {KINDS.get(_ending(file), "") for file in files}
    if len(kinds) == 1 and "" not in kinds:
        return kinds.pop()
    endings = sorted({_ending(file) or "" for file in files})
    hint = next((hint for ending, hint in OTHERS.items() if endings == [ending]), None)
    raise DataError(
        f"holds files of several kinds: {', '.join(endings)}"
        if len(endings) > 1
        else f"files {f'that end in {endings[0]}' if endings[0] else 'without an ending'} are unknown",
        location=source,
        hint=hint or f"Give files of one kind: {', '.join(KINDS)}, with or without .gz",
        code="file-kind",
    )


def find_file(folder: str, patterns: Sequence[str], what: str, *, excluding: str = "") -> str:
    """Return the one file that matches the first matching pattern; subfolders are searched last.

    Args:
        folder: folder to search.
        patterns: names or globs, best first; each also matches with ``.gz`` or ``.zst`` appended.
        what: content of the file, for the message.
        excluding: prefix of names to ignore.

    Raises:
        InputError: no file matches, or several do.
    """
    root = Path(folder)
    if root.is_file():
        root = root.parent
    if not root.is_dir():
        raise DataError(
            "no such folder", location=folder, hint="Check the path; unpack an archive first", code="no-file"
        )
    for deep in ("", "**/"):
        for pattern in patterns:
            named = {path for end in ("", *COMPRESSIONS) for path in root.glob(f"{deep}{pattern}{end}")}
            found = sorted(
                path for path in named if path.is_file() and not (excluding and path.name.startswith(excluding))
            )
            if len(found) == 1:
                return str(found[0])
            if found:
                raise DataError(
                    f"several files could be the {what}: {', '.join(path.name for path in found[:5])}",
                    location=folder,
                    hint="Name the file itself in the options, or keep only one in the folder",
                    code="several-files",
                )
    raise DataError(
        f"no file with the {what} (looked for {', '.join(patterns)}, also with .gz or .zst)",
        location=folder,
        hint="Put the published file there under its own name, or name it in the options",
        code="no-file",
    )


def _ending(file: str) -> str:
    path = Path(file.split("?")[0] if is_url(file) else file)
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in COMPRESSIONS]
    return endings[-1] if endings else ""


def _visible(path: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in path.parts)
