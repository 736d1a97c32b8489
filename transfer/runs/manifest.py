"""The manifest of an artifact: its files with sizes and SHA-256, so that a change is noticed before use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domains.errors import RunError, explain
from transfer.files import read_json, write_json

MANIFEST = "manifest.json"
UNUSED = frozenset({"README.md", "training.jsonl"})
"""Files that are listed and that nothing reads: a changed one is reported and does no harm."""


class FileEntry(BaseModel):
    """One file as it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @classmethod
    def of(cls, path: Path) -> FileEntry:
        """Size and digest of a file."""
        with path.open("rb") as file:
            return cls(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def of_text(cls, text: str) -> FileEntry:
        """Size and digest of a text that is not written yet."""
        content = text.encode()
        return cls(size=len(content), sha256=hashlib.sha256(content).hexdigest())


class Manifest(BaseModel):
    """The contents of `manifest.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["manifest"] = "manifest"
    version: Literal[1] = 1
    files: dict[str, FileEntry]


@dataclass(frozen=True)
class Difference:
    """How a folder differs from its manifest.

    Attributes:
        name: of the file, relative to the folder.
        what: that happened to it since the artifact was written.
    """

    name: str
    what: Literal["changed", "missing", "added"]

    @property
    def harmless(self) -> bool:
        """Whether nothing reads the file."""
        return self.name in UNUSED


def write_manifest(folder: Path, names: Iterable[str], more: dict[str, FileEntry] | None = None) -> None:
    """List the files of an artifact.

    Args:
        folder: of the artifact.
        names: of its files and folders; those that are missing are left out.
        more: entries of files that are written after the manifest.
    """
    files = {name: FileEntry.of(folder / name) for name in _files(folder, names)}
    manifest = Manifest(files=dict(sorted((files | (more or {})).items())))
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an artifact.

    Raises:
        InputError: it is missing or damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise RunError(
            f"there is no {MANIFEST}, so nobody can say whether the files are as they were written",
            location=folder,
            hint=f"If you trust this folder, list its files as they are: transfer verify {folder} --accept",
            code="manifest-missing",
        )
    try:
        manifest = Manifest.model_validate(read_json(path))
    except ValidationError as error:
        raise explain(error, Manifest, f"{path}: ") from None
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or "\0" in name:
            raise RunError(f"lists a file outside the folder: {name!r}", location=path, code="run-damaged")
    return manifest


def differences(folder: Path, names: Iterable[str]) -> list[Difference]:
    """What was changed, removed or added since an artifact was written, by name.

    Args:
        folder: of the artifact.
        names: of the files and folders that an artifact of its kind may hold.

    Raises:
        InputError: the manifest is missing or damaged.
    """
    listed = read_manifest(folder).files
    found = []
    for name, entry in listed.items():
        path = folder / name
        if not path.is_file():
            found.append(Difference(name, "missing"))
        elif path.stat().st_size != entry.size or FileEntry.of(path) != entry:
            found.append(Difference(name, "changed"))
    found += [Difference(name, "added") for name in _files(folder, names) if name not in listed]
    return sorted(found, key=lambda difference: difference.name)


def refuse_changed(folder: Path, names: Iterable[str]) -> None:
    """Stop before files are read that are not what was written.

    Raises:
        InputError: a file was changed, removed or added, or there is no manifest.
    """
    found = [difference for difference in differences(folder, names) if not difference.harmless]
    if not found:
        return
    first = found[0]
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    hint = "Restore the file, or make the artifact again"
    if first.what != "missing":
        hint += f"; if you changed it on purpose: transfer verify {folder} --accept"
    raise RunError(
        f"this file was {_WHAT[first.what]} after the artifact was written{others}",
        location=folder / first.name,
        hint=hint,
        code=f"file-{first.what}",
    )


_WHAT = {"changed": "changed", "missing": "removed", "added": "added"}


def _files(folder: Path, names: Iterable[str]) -> list[str]:
    """Files of these names, and those below folders of these names, relative to the folder, as POSIX paths."""
    paths = [folder / name for name in names]
    inner = [path for top in paths if top.is_dir() for path in top.rglob("*")]
    files = [path for path in [*paths, *inner] if path.is_file() and path.name != MANIFEST]
    return sorted({path.relative_to(folder).as_posix() for path in files})
