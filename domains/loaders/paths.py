"""Paths in loader options: relative ones start from the recipe's folder, then from the working folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo


def is_url(path: str) -> bool:
    """Whether fsspec, not the file system, knows this path."""
    return "://" in path


def resolve(path: str, info: ValidationInfo) -> str:
    """An absolute path where the context names a ``base``; the text as it is otherwise."""
    base = (info.context or {}).get("base")
    if is_url(path) or base is None:
        return path
    expanded = Path(path).expanduser()
    if expanded.is_absolute():
        return str(expanded)
    beside = Path(base) / expanded
    if _exists(beside) or not _exists(Path.cwd() / expanded):
        return str(beside)
    return str(Path.cwd() / expanded)


def _exists(path: Path) -> bool:
    """Whether the path, or the part of it before the first wildcard, is there."""
    fixed = [part for part in path.parts]
    for place, part in enumerate(fixed):
        if any(sign in part for sign in "*?["):
            fixed = fixed[:place]
            break
    return Path(*fixed).exists() and (len(fixed) < len(path.parts) or path.exists())


InputPath = Annotated[str, AfterValidator(resolve)]
"""A file, folder, glob or URL; resolved against the validation context's ``base``."""
