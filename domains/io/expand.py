"""The files that a path, a glob or a folder names, their kind, and the files of a published data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from glob import has_magic
from pathlib import Path

from domains.errors import InputError
from domains.io.paths import expand_pattern

KINDS: Mapping[str, str] = {
    ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "json", ".ndjson": "json", ".json": "json",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv", ".inter": "tsv", ".item": "tsv",
}  # fmt: skip
COMPRESSIONS = frozenset({".gz", ".zst"})


def expand(source: str) -> list[str]:
    """List the data files of a path, a glob or a folder, sorted; hidden files and markers (``_SUCCESS``) are left out.

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
        raise InputError(
            "no such file",
            location=source,
            hint="Check the path; a relative one starts at the recipe's folder, then at the working folder",
        )
    if not found:
        raise InputError("no data files", location=source, hint="Check the folder or the pattern")
    return sorted(found)


def kind_of(files: Sequence[str], source: str) -> str:
    """Return the one kind of all the files: parquet, arrow, json, csv or tsv.

    Raises:
        InputError: they are of several kinds, or of an unknown one.
    """
    kinds = {KINDS.get(_ending(file), "") for file in files}
    if len(kinds) == 1 and "" not in kinds:
        return kinds.pop()
    endings = sorted({_ending(file) or "nothing" for file in files})
    raise InputError(
        f"holds files of several kinds: {', '.join(endings)}"
        if len(endings) > 1
        else f"files that end in {endings[0]} are unknown",
        location=source,
        hint=f"Give files of one kind: {', '.join(KINDS)}, with or without .gz",
    )


def find_file(folder: str, patterns: Sequence[str], what: str, *, excluding: str = "") -> str:
    """Return the one file that matches the first pattern that matches any; deeper folders are searched last.

    Args:
        folder: where to look.
        patterns: names or globs, best first; each also matches with ``.gz`` or ``.zst`` at its end.
        what: what the file holds, for the message.
        excluding: a prefix of names that do not count.

    Raises:
        InputError: no file matches, or several do.
    """
    root = Path(folder)
    if root.is_file():
        root = root.parent
    if not root.is_dir():
        raise InputError("no such folder", location=folder, hint="Check the path; unpack an archive first")
    for deep in ("", "**/"):
        for pattern in patterns:
            named = {path for end in ("", *COMPRESSIONS) for path in root.glob(f"{deep}{pattern}{end}")}
            found = sorted(
                path for path in named if path.is_file() and not (excluding and path.name.startswith(excluding))
            )
            if len(found) == 1:
                return str(found[0])
            if found:
                raise InputError(
                    f"several files could be the {what}: {', '.join(path.name for path in found[:5])}",
                    location=folder,
                    hint="Name the file itself in the options, or keep only one in the folder",
                )
    raise InputError(
        f"no file with the {what} (looked for {', '.join(patterns)}, also with .gz or .zst)",
        location=folder,
        hint="Put the published file there under its own name, or name it in the options",
    )


def _ending(file: str) -> str:
    endings = [ending.lower() for ending in Path(file.split("?")[0]).suffixes if ending.lower() not in COMPRESSIONS]
    return endings[-1] if endings else ""


def _visible(path: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in path.parts)
