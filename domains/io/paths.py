"""Paths in loader options: relative to the recipe's folder, else to the working folder."""

from __future__ import annotations

from glob import has_magic
from itertools import takewhile
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from domains.io.addresses import is_url


def resolve(path: str, info: ValidationInfo) -> str:
    """Return an absolute path if the context names a ``base``, else the text itself."""
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


def expand_pattern(pattern: str) -> list[Path]:
    """Return what a glob matches, sorted; ``**`` crosses folders."""
    path = Path(pattern)
    return sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))


def _exists(path: Path) -> bool:
    """Whether the path exists, up to its first wildcard."""
    plain = list(takewhile(lambda part: not has_magic(part), path.parts))
    return Path(*plain).exists()


InputPath = Annotated[str, AfterValidator(resolve)]
"""A file, folder, glob or URL; resolved against the validation context's ``base``."""
