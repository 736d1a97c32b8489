"""`TitleIndex`: finds items by title or id, as users type them."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from domains.domain import Domain
from domains.errors import InputError

MOST_COMPARED = 20_000
"""Titles that a misspelt one is compared with letter by letter; of more, those that share a word with it."""
MOST_BAD = 5
"""Wrong titles that one message names."""
UNKNOWN, MEANT = "no title is ", "Did you mean "
"""Beginnings of messages."""
YEAR = re.compile(r"\s*[(\[]\d{4}[)\]]$")


class TitleIndex:
    """Finds items by title or id.

    In this order: the exact title, the exact id, the title without its year, an id but for leading zeros, a title that
    begins so. If several items fit, the most popular one is taken and a note says so. Case, blanks and the coding of
    accents do not matter.

    Args:
        titles: (I,) of the items.
        ids: (I,) of the items; by default they have none.
        counts: (I,) interactions of the items; of equals the first one is taken.
    """

    def __init__(
        self, titles: Sequence[str], ids: Sequence[str] | None = None, counts: Sequence[float] | None = None
    ) -> None:
        self._written = titles
        self._ids = list(ids) if ids is not None else [""] * len(titles)
        popularity = np.zeros(len(titles)) if counts is None else np.nan_to_num(np.asarray(counts, dtype=float))
        self._order = np.argsort(-popularity, kind="stable").tolist()
        self._titles = [_alike(title) for title in titles]
        self._whole: dict[str, list[int]] = defaultdict(list)
        self._yearless: dict[str, list[int]] = defaultdict(list)
        for item in self._order:
            title = self._titles[item]
            if title:
                self._whole[title].append(item)
                self._yearless[YEAR.sub("", title)].append(item)
        self._by_id = {name: item for item, name in enumerate(self._ids) if name}
        self._by_plain_id: dict[str, list[int]] = defaultdict(list)
        for name, item in self._by_id.items():
            self._by_plain_id[_plain_id(name)].append(item)
        self._has_semicolons = any(";" in title for title in self._titles)

    @classmethod
    def of(cls, domain: Domain, counts: Sequence[float] | None = None) -> TitleIndex:
        """Return the index of a domain's items.

        Args:
            domain: the domain.
            counts: (I,) interactions of the items; by default those of the domain, of which a shared copy has none.
        """
        met = np.bincount(domain.items, minlength=domain.n_items).tolist() if counts is None else counts
        return cls(domain.titles.to_pylist(), [str(name) for name in domain.item_ids.to_pylist()], met)

    def split(self, text: str) -> list[str]:
        """Split a text at semicolons, or at commas if all parts are then known.

        Known titles that contain these signs stay whole; the longest one wins.
        """
        commas = [part.strip() for part in text.split(",") if part.strip()]
        if ";" not in text and not self._is_known(text) and len(commas) > 1 and all(map(self._is_known, commas)):
            return commas
        parts, found = text.split(";"), []
        while parts:
            joins = (";".join(parts[:count]).strip() for count in range(len(parts), 1, -1))
            title = next((join for join in joins if _alike(join) in self._whole), parts[0].strip())
            found.append(title)
            parts = parts[title.count(";") + 1 :]
        return [title for title in found if title]

    def _is_known(self, title: str) -> bool:
        wanted = _alike(title.strip())
        return wanted in self._whole or title.strip() in self._by_id or wanted in self._yearless

    def find_all(self, titles: Sequence[str], whole: str = "") -> tuple[list[int], list[str]]:
        """Return the items of several titles or ids, and notes on those that fit several items.

        Args:
            titles: titles or ids as typed.
            whole: the text that held them, for messages.

        Raises:
            InputError: one or several are unknown; the message names all of them.
        """
        items, notes, wrong = [], [], []
        for title in titles:
            try:
                item, note = self.taken(title, whole if len(titles) == 1 else "")
            except InputError as error:
                wrong.append(error)
                continue
            items.append(item)
            notes += [note] if note else []
        if len(wrong) == 1:
            raise _with_whole(wrong[0], titles, whole) if self._has_semicolons else wrong[0]
        if wrong:
            shown = [error.problem.removeprefix(UNKNOWN) + _meant(error.hint) for error in wrong[:MOST_BAD]]
            more = [f"and {len(wrong) - MOST_BAD} more"] if len(wrong) > MOST_BAD else []
            raise InputError(
                f"{len(wrong)} titles are unknown: {'; '.join(shown + more)}",
                location="--history",
                hint="transfer titles RUN --search WORD finds titles and ids",
                code="unknown-title",
            )
        return items, notes

    def find(self, title: str, whole: str = "") -> int:
        """Return the item of a title or id; see `taken`."""
        return self.taken(title, whole)[0]

    def taken(self, title: str, whole: str = "") -> tuple[int, str]:
        """Return the item of a title or id, and a note if it fits several items.

        Raises:
            InputError: it fits none; the nearest titles are named. Or the title is no text.
        """
        if not isinstance(title, str):
            raise InputError(
                f"{title!r} is no title",
                location="--history",
                hint="A history is a list of titles or ids, each a text",
                code="unknown-title",
            )
        title = title.strip()
        wanted = _alike(title)
        if wanted in self._whole:
            return self._first_of(title, self._whole[wanted], "are called")
        if title in self._by_id:
            return self._by_id[title], ""
        if wanted in self._yearless:
            return self._first_of(title, self._yearless[wanted], "are, but for the year, called")
        if len(alike := self._by_plain_id.get(_plain_id(title), [])) == 1:
            return alike[0], f"{title!r} was taken as {self._named(alike[0])}"
        beginning = [item for item in self._order if wanted and self._titles[item].startswith(wanted)]
        if beginning:
            return self._first_of(title, beginning, "begin with")
        near = self._nearest(wanted)
        names = "; ".join(repr(self._written[item]) for item in near)
        problem = f"{UNKNOWN}{title!r}"
        if whole.strip() not in ("", title):
            problem += f", and none is {whole.strip()!r}"
        raise InputError(
            problem,
            location="--history",
            hint=f"{MEANT}{names}?" if near else "transfer titles RUN --search WORD finds titles and ids",
            code="unknown-title",
        )

    def search(self, text: str) -> list[int]:
        """Return the items whose title contains all words of a text or whose id is the text, the most popular first."""
        words = _alike(text).split()
        if not words:
            return list(self._order)
        return [
            item
            for item in self._order
            if self._ids[item] == text.strip() or all(word in self._titles[item] for word in words)
        ]

    def label(self, item: int) -> str:
        """Return the title of an item, with its id if other items have the same title, or the id if it has no title."""
        title = self._written[item]
        if not title or not title.strip():
            return f"(no title: {self._ids[item]})"
        return f"{title} [{self._ids[item]}]" if len(self._whole[self._titles[item]]) > 1 else title

    def place_of(self, item_id: str) -> int:
        """Return the place of the item with an id."""
        return self._by_id[item_id]

    def label_of(self, item_id: str) -> str:
        """Return the label of the item with an id."""
        return self.label(self._by_id[item_id])

    def _first_of(self, title: str, items: list[int], how: str) -> tuple[int, str]:
        item = items[0]
        if len(items) == 1:
            exact = _alike(title) == self._titles[item]
            return item, "" if exact else f"{title!r} was taken as {self._named(item)}"
        others = "; ".join(self._named(other) for other in items[1:4])
        more = "" if len(items) <= 4 else f" and {len(items) - 4} more"
        note = (
            f"{len(items)} items {how} {title!r}: the most popular was taken, {self._named(item)}; not {others}{more}"
        )
        return item, note

    def _named(self, item: int) -> str:
        name = f" [{self._ids[item]}]" if self._ids[item] else ""
        return f"{self._written[item]!r}{name}"

    def _nearest(self, wanted: str) -> list[int]:
        """Return items whose titles a misspelt one may have meant, the nearest first."""
        known = list(self._whole)
        if len(known) > MOST_COMPARED:
            words = set(wanted.split())
            known = [title for title in known if not words.isdisjoint(title.split())][:MOST_COMPARED]
        return [self._whole[title][0] for title in difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)]


def _plain_id(name: str) -> str:
    """Return an id as users may type it: without leading zeros, and without the ``.0`` of a spreadsheet."""
    return name.strip().casefold().removesuffix(".0").lstrip("0")


def _meant(hint: str | None) -> str:
    return f" (did you mean {hint.removeprefix(MEANT)})" if hint and hint.startswith(MEANT) else ""


def _with_whole(error: InputError, titles: Sequence[str], whole: str) -> InputError:
    """Return the error with the text that was split at semicolons, which may have been one title."""
    if len(titles) < 2 or not whole.strip():
        return error
    problem = f"{error.problem}, and none is {whole.strip()!r}"
    return InputError(problem, location=error.location, hint=error.hint, code=error.code)


def _alike(title: str | None) -> str:
    """Return a title in the one form in which titles are compared; some keyboards write an accent by itself."""
    return " ".join(unicodedata.normalize("NFKC", title or "").casefold().split())
