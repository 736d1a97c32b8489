"""Checks of an artifact's files: the manifest with sizes and digests, and the shape and range of every tensor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from domains.errors import RunError, explain
from transfer.files import MADE_AGAIN, read_json, read_tensors, write_json

MANIFEST = "manifest.json"
UNUSED = frozenset({"README.md", "training.jsonl"})
"""Files that are never read; a change of them is reported but is no error."""


class FileEntry(BaseModel):
    """Size and digest of one file when it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @classmethod
    def of(cls, path: Path) -> FileEntry:
        """Return size and digest of a file."""
        with path.open("rb") as file:
            return cls(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def of_text(cls, text: str) -> FileEntry:
        """Return size and digest of a text before it is written."""
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
    """A difference between a folder and its manifest.

    Attributes:
        name: path of the file, relative to the folder.
        what: whether it was changed, removed or added since the artifact was written.
    """

    name: str
    what: Literal["changed", "missing", "added"]

    @property
    def harmless(self) -> bool:
        """Whether the file is never read."""
        return self.name in UNUSED


def write_manifest(folder: Path, names: Iterable[str], more: dict[str, FileEntry] | None = None) -> None:
    """Write the manifest of an artifact.

    Args:
        folder: folder of the artifact.
        names: names of its files and folders; missing ones are left out.
        more: entries of files that are written after the manifest.
    """
    files = {name: FileEntry.of(folder / name) for name in _files(folder, names)}
    manifest = Manifest(files=dict(sorted((files | (more or {})).items())))
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact.

    Raises:
        InputError: the manifest is missing or damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise RunError(
            f"there is no {MANIFEST}, so changes of the files cannot be detected",
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
    """Return the files that were changed, removed or added since an artifact was written, sorted by name.

    Args:
        folder: folder of the artifact.
        names: names of the files and folders that an artifact of its kind may hold.

    Raises:
        InputError: the manifest is missing or damaged, or a file is a link to a place outside the folder.
    """
    listed = read_manifest(folder).files
    there = _files(folder, names)
    _check_links(folder, {*listed, *there})
    found = []
    for name, entry in listed.items():
        path = folder / name
        if not path.is_file():
            found.append(Difference(name, "missing"))
        elif path.stat().st_size != entry.size or FileEntry.of(path) != entry:
            found.append(Difference(name, "changed"))
    found += [Difference(name, "added") for name in there if name not in listed]
    return sorted(found, key=lambda difference: difference.name)


def _check_links(folder: Path, names: Iterable[str]) -> None:
    """Raise if a file is a link to a place outside the folder: saving or sharing a copy would spread what is there.

    The hub's cache is such a place: its files are links to blobs beside the snapshots.
    """
    inside = folder.parent.parent if folder.parent.name == "snapshots" else folder
    for name in sorted(names):
        if not (folder / name).resolve().is_relative_to(inside.resolve()):
            raise RunError(
                "this file is a link to a place outside the folder",
                location=folder / name,
                hint="If you trust it, put the file itself there",
                code="link-outside",
            )


def check_unchanged(folder: Path, names: Iterable[str]) -> None:
    """Raise if the files differ from the manifest.

    Raises:
        InputError: a file was changed, removed or added, or there is no manifest.
    """
    found = [difference for difference in differences(folder, names) if not difference.harmless]
    if not found:
        return
    first = found[0]
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    hint = "Remove the file" if first.what == "added" else "Restore the file, or make the artifact again"
    if first.what != "missing":
        hint += f"; if this was on purpose: transfer verify {folder} --accept"
    raise RunError(
        f"this file was {_WHAT[first.what]} after the artifact was written{others}",
        location=folder / first.name,
        hint=hint,
        code=f"file-{first.what}",
    )


_WHAT = {"changed": "changed", "missing": "removed", "added": "added"}


def _files(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the files and the contents of the folders with these names, as relative POSIX paths."""
    paths = [folder / name for name in names]
    inner = [path for top in paths if top.is_dir() for path in top.rglob("*")]
    files = [path for path in [*paths, *inner] if path.is_file() and path.name != MANIFEST]
    return sorted({path.relative_to(folder).as_posix() for path in files})


MOST_COLUMNS = 10_000_000
"""Largest accepted width of a sparse matrix in a file."""


@dataclass(frozen=True)
class TensorFile:
    """A safetensors file. Every tensor is checked for shape, type and range when it is taken.

    Attributes:
        path: the file.
        tensors: all tensors of the file by name.
        taken: names taken so far; `finish` raises if the file holds others.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    taken: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            InputError: the file is missing or not safetensors.
        """
        return cls(path, read_tensors(path))

    def with_defaults(self, defaults: Mapping[str, Tensor]) -> Self:
        """Return the file with default values for tensors that earlier versions did not write."""
        return replace(self, tensors={**defaults, **self.tensors})

    def error(self, problem: str) -> RunError:
        """Return the error of a damaged file."""
        return RunError(problem, location=self.path, hint=MADE_AGAIN, code="run-damaged")

    def take(
        self,
        name: str,
        *shape: int | None,
        dtype: torch.dtype = torch.float32,
        low: float = -torch.inf,
        high: float = torch.inf,
        nan: bool = False,
    ) -> Tensor:
        """Return a tensor.

        Args:
            name: name in the file.
            *shape: required sizes; None for any.
            dtype: required type.
            low: minimum of the values.
            high: maximum of the values.
            nan: whether NaN is allowed; infinity never is.

        Raises:
            InputError: the tensor is missing or invalid.
        """
        if name not in self.tensors:
            raise self.error(f"lacks {name}")
        tensor = self.tensors[name]
        fits = tensor.dim() == len(shape) and all(
            want is None or want == size for want, size in zip(shape, tensor.shape, strict=False)
        )
        if not fits or tensor.dtype != dtype:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise self.error(
                f"{name} is {_kind(tensor.dtype)} of shape {tuple(tensor.shape)}, not {_kind(dtype)} ({wanted})"
            )
        if dtype.is_floating_point and not (~tensor.isinf() if nan else tensor.isfinite()).all():
            raise self.error(f"{name} has {'infinite' if nan else 'NaN or infinite'} values")
        bounded = low > -torch.inf or high < torch.inf
        values = tensor[~tensor.isnan()] if nan else tensor
        if bounded and values.numel() and not low <= float(values.min()) <= float(values.max()) <= high:
            raise self.error(f"{name} has values outside {low:g} to {high:g}")
        self.taken.add(name)
        return tensor

    def maybe(self, name: str, *shape: int | None, dtype: torch.dtype = torch.float32) -> Tensor | None:
        """Return a tensor, or None if the file lacks it; see `take`."""
        return self.take(name, *shape, dtype=dtype) if name in self.tensors else None

    def csr(self, name: str, rows: int, columns: int | None = None, low: float = 0) -> csr_matrix:
        """Return a sparse matrix from its parts. Indices are checked before SciPy uses them.

        Args:
            name: prefix of the parts' names.
            rows: required number of rows.
            columns: required number of columns; None for any.
            low: minimum of the entries.

        Raises:
            InputError: a part is missing, or the parts are inconsistent.
        """
        width = self.take(f"{name}.columns", 1, dtype=torch.int64, low=0, high=MOST_COLUMNS)
        if columns is not None and int(width) != columns:
            raise self.error(f"{name} has {int(width)} columns, not {columns}")
        indices = self.take(f"{name}.indices", None, dtype=torch.int64, low=0, high=int(width) - 1)
        data = self.take(f"{name}.data", len(indices), low=low)
        indptr = self.take(f"{name}.indptr", rows + 1, dtype=torch.int64, low=0, high=len(indices)).numpy()
        if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
            raise self.error(f"{name}.indptr does not rise from 0 to {len(indices)}")
        return csr_matrix((data.numpy(), indices.numpy(), indptr), shape=(rows, int(width)))

    def maybe_csr(self, name: str, rows: int, columns: int | None = None, low: float = 0) -> csr_matrix | None:
        """Return a sparse matrix, or None if the file lacks it; see `csr`."""
        return self.csr(name, rows, columns, low) if any(key.startswith(f"{name}.") for key in self.tensors) else None

    def state(self, prefix: str, module: nn.Module) -> dict[str, Tensor]:
        """Return the weights of a module, without their prefix.

        Args:
            prefix: prefix of the names of its weights.
            module: module with the required names, shapes and types; may be on the meta device.

        Raises:
            InputError: a weight is missing, unknown, or does not fit.
        """
        wanted = module.state_dict()
        try:
            found = {
                name: self.take(prefix + name, *like.shape, dtype=like.dtype) for name, like in sorted(wanted.items())
            }
        except RunError as error:
            raise self.error(f"the weights do not fit the config: {error.problem}") from None
        self._check_nothing_else(
            key for key in self.tensors if key.startswith(prefix) and key[len(prefix) :] not in wanted
        )
        return found

    def finish(self) -> None:
        """Raise if the file holds tensors that were not taken.

        Raises:
            InputError: there are such tensors.
        """
        self._check_nothing_else(self.tensors.keys() - self.taken)

    def _check_nothing_else(self, names: object) -> None:
        more = sorted(names)  # type: ignore[call-overload]
        if more:
            raise self.error(f"holds {', '.join(more[:3])}, which these settings do not have")


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
