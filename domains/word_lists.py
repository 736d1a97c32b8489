"""Lists of words that are written as lines of text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, separated by blanks and line breaks."""
    return tuple(text.split())
