"""The version of this toolkit, for records of how something was made."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the version of this toolkit."""
    try:
        return version("sememe-transfer")
    except PackageNotFoundError:
        return "not installed"
