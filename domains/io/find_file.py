"""Finding the files of a published data set in the folder in which somebody unpacked it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domains.errors import InputError
from domains.io.expand import COMPRESSIONS


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
