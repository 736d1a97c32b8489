"""Check which addresses may be opened: only schemes that the caller allows. A recipe cannot allow any."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from domains.errors import SettingsError

SCHEMES = ("https", "s3", "gs")
"""What commands can allow."""
VARIABLE = "TRANSFER_ALLOW"
_given: ContextVar[frozenset[str] | None] = ContextVar("allowed_schemes", default=None)


def is_url(path: str) -> bool:
    """Whether a text is an address rather than a path."""
    return "://" in path or "::" in path


def allowed_schemes() -> frozenset[str]:
    """Return the schemes given to `allowing`, else those in $TRANSFER_ALLOW.

    Raises:
        InputError: the variable names a scheme that cannot be allowed.
    """
    given = _given.get()
    if given is not None:
        return given
    return check_schemes(os.environ.get(VARIABLE, "").replace(",", " ").split(), f"${VARIABLE}")


def check_schemes(schemes: Collection[str], location: str) -> frozenset[str]:
    """Return the schemes if commands can allow them.

    Raises:
        InputError: one of them is none of `SCHEMES`.
    """
    unknown = sorted(set(schemes) - set(SCHEMES))
    if unknown:
        hint = f"Choose from {', '.join(SCHEMES)}; download other files and name them by their paths"
        raise SettingsError(f"{unknown[0]!r} cannot be allowed", location=location, hint=hint, code="address")
    return frozenset(schemes)


@contextmanager
def allowing(schemes: Collection[str] | None) -> Iterator[None]:
    """Allow these schemes within the block; None leaves it to $TRANSFER_ALLOW."""
    token = _given.set(None if schemes is None else frozenset(schemes))
    try:
        yield
    finally:
        _given.reset(token)


def check_address(url: str) -> None:
    """Check that an address may be opened.

    Raises:
        InputError: its scheme is not allowed, or it is a chain of several protocols.
    """
    scheme = url.partition("://")[0].lower()
    by_hand = "Download the file, and name it by its path"
    if "::" in url:
        raise SettingsError("a chain of protocols is not opened", location=url, hint=by_hand, code="address")
    if scheme == "file":
        raise SettingsError("is a local file", location=url, hint="Name it by its path", code="address")
    if scheme in allowed_schemes():
        return
    if scheme in SCHEMES:
        hint = f"If you trust it: transfer --allow {scheme} ..., {VARIABLE}={scheme}, or allow=[{scheme!r}] in Python"
        raise SettingsError(f"addresses with {scheme}:// are not allowed", location=url, hint=hint, code="address")
    hint = f"{by_hand}; only {', '.join(SCHEMES)} can be allowed"
    raise SettingsError(f"addresses with {scheme}:// are not opened", location=url, hint=hint, code="address")
