"""Items by their titles, as people type them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence

from domains.errors import InputError

MOST_COMPARED = 20_000
"""Titles that a misspelt one is held against letter by letter; of more, those that share a word with it."""


class TitleIndex:
    """Finds items by their titles: the same but for case, blanks and coded accents, or the only one that begins so.

    Args:
        titles: (I,) of the items.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        self._written = titles
        self._titles = [_alike(title) for title in titles]
        self._first: dict[str, int] = {}
        for item, title in enumerate(self._titles):
            if title:
                self._first.setdefault(title, item)

    def split(self, text: str) -> list[str]:
        """Titles between semicolons; a title that holds some is found whole, the longest one that the domain has."""
        parts, found = text.split(";"), []
        while parts:
            joins = (";".join(parts[:count]).strip() for count in range(len(parts), 1, -1))
            title = next((join for join in joins if _alike(join) in self._first), parts[0].strip())
            found.append(title)
            parts = parts[title.count(";") + 1 :]
        return [title for title in found if title]

    def find(self, title: str, whole: str = "") -> int:
        """The item of a title.

        Args:
            title: as a person types it.
            whole: the text that held this title and others, for messages.

        Raises:
            InputError: none or several; the nearest titles are named. Or the title is no text.
        """
        if not isinstance(title, str):
            raise InputError(f"{title!r} is no title", location="--history", hint="A history is titles, each a text")
        title = title.strip()
        wanted = _alike(title)
        if wanted in self._first:
            return self._first[wanted]
        beginning = [item for item, known in enumerate(self._titles) if wanted and known.startswith(wanted)]
        if len(beginning) == 1:
            return beginning[0]
        near = beginning[:3] or self._nearest(wanted)
        names = "; ".join(repr(self._written[item]) for item in near)
        problem = f"{len(beginning)} titles begin with {title!r}" if beginning else f"no title is {title!r}"
        if whole.strip() not in ("", title):
            problem += f", and none is {whole.strip()!r}"
        raise InputError(
            problem, location="--history", hint=f"Did you mean {names}?" if near else "Copy titles from the item table"
        )

    def _nearest(self, wanted: str) -> list[int]:
        """Items whose titles a misspelt one may have meant, the nearest first."""
        known = list(self._first)
        if len(known) > MOST_COMPARED:
            words = set(wanted.split())
            known = [title for title in known if not words.isdisjoint(title.split())][:MOST_COMPARED]
        return [self._first[title] for title in difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)]


def _alike(title: str) -> str:
    """A title in the one form in which titles are compared; some keyboards and files write an accent by itself."""
    return " ".join(unicodedata.normalize("NFKC", title).casefold().split())
