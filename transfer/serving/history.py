"""`History`: past items of known users, or items given by title or id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from domains.domain import Domain, Ints, TimeKind, spread
from domains.errors import InputError
from transfer.evaluation.protocol import Targets
from transfer.serving.title_index import TitleIndex

Indices = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class History:
    """Past items of one or several users, as a domain with the target's items.

    Attributes:
        domain: the target's items, with the interactions of these users only.
        notes: which item was taken for a text that fits several.
        typed: whether the items were typed; then they are not recommended, even if the domain keeps repeats.
    """

    domain: Domain
    notes: tuple[str, ...] = ()
    typed: bool = False

    @classmethod
    def of_user(cls, domain: Domain, user_id: str) -> History:
        """Return all interactions of a known user.

        Raises:
            InputError: no user has this id.
        """
        try:
            found = np.flatnonzero(pl.from_arrow(domain.user_ids) == user_id)
        except UnicodeEncodeError:  # halves of surrogate pairs, which a command line that is not UTF-8 leaves
            found = np.zeros(0, np.int64)
        if len(found) == 0:
            some = ", ".join(domain.user_ids[:3].to_pylist())
            raise InputError(
                f"no user has the id {user_id!r}",
                location="--user",
                hint=f"Ids look like {some}" if some else "A shared copy holds no users: give a history or interests",
                code="unknown-user",
            )
        return cls.of_users(domain, found)

    @classmethod
    def of_users(cls, domain: Domain, users: Ints) -> History:
        """Return all interactions of some users, by their places (n,)."""
        starts, lengths = domain.offsets[:-1][users], domain.lengths[users]
        _, position = spread(starts, lengths)
        return cls(
            replace(
                domain,
                user_ids=pl.from_arrow(domain.user_ids)[users].to_arrow(),
                offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
                items=np.ascontiguousarray(domain.items[position]),
                times=np.ascontiguousarray(domain.times[position]),
            )
        )

    @classmethod
    def of_titles(cls, domain: Domain, titles: Sequence[str], index: TitleIndex | None = None) -> History:
        """Return a history of items found by title or id, oldest first.

        Raises:
            InputError: titles or ids are not in the domain (all of them are named), or nothing was given.
        """
        index = TitleIndex.of(domain) if index is None else index
        return cls._found(domain, *index.find_all(list(titles)))

    @classmethod
    def of_text(cls, domain: Domain, text: str, index: TitleIndex | None = None) -> History:
        """Return the same for titles or ids between semicolons.

        Raises:
            InputError: as `of_titles`.
        """
        index = TitleIndex.of(domain) if index is None else index
        return cls._found(domain, *index.find_all(index.split(text), text))

    @classmethod
    def _found(cls, domain: Domain, items: list[int], notes: list[str]) -> History:
        if not items:
            raise InputError(
                "the history is empty",
                location="--history",
                hint='Write --history "title; title"',
                code="empty-history",
            )
        return replace(cls.of_items(domain, np.array(items, dtype=np.int64)), notes=tuple(notes), typed=True)

    @classmethod
    def of_items(cls, domain: Domain, items: Indices) -> History:
        """Return the history of one user with these items, oldest first."""
        return cls.of_many(domain, [items])

    @classmethod
    def of_many(cls, domain: Domain, histories: Sequence[Indices]) -> History:
        """Return the histories of several users, each as indices of items, oldest first."""
        lengths = [len(items) for items in histories]
        flat = np.concatenate([np.asarray(items, dtype=np.int32) for items in histories] or [np.empty(0, np.int32)])
        return cls(
            replace(
                domain,
                user_ids=_unnamed(len(lengths)),
                offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
                items=np.ascontiguousarray(flat, dtype=np.int32),
                times=np.arange(len(flat), dtype=np.int64),
                time_kind=TimeKind.ORDER,
            )
        )

    @classmethod
    def joined(cls, histories: Sequence[History]) -> History:
        """Join the histories of several users, in order. All must have the same items and kind of times."""
        domains = [one.domain for one in histories]
        lengths = np.concatenate([domain.lengths for domain in domains])
        if len({domain.time_kind for domain in domains}) > 1:
            raise ValueError("times and orders do not mix: interests weigh them differently")
        if len({one.typed for one in histories}) > 1:
            raise ValueError("typed histories and those of users do not mix: they leave out different items")
        return cls(
            replace(
                domains[0],
                user_ids=_unnamed(len(lengths)),
                offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
                items=np.concatenate([domain.items for domain in domains]),
                times=np.concatenate([domain.times for domain in domains]),
            ),
            typed=histories[0].typed,
        )

    @property
    def leaves_out_repeats(self) -> bool:
        """Whether typed items are left out although the domain keeps repeats; users should be told."""
        return self.typed and self.domain.repeats

    @property
    def targets(self) -> Targets:
        """The position after each user's last item; the target items are unknown and set to 0."""
        people, offsets = self.domain.n_users, self.domain.offsets.copy()
        nothing = np.zeros(people, np.int64)
        return Targets(
            users=np.arange(people, dtype=np.int64),
            stops=offsets[1:],
            items=nothing,
            seen_starts=offsets[:-1],
            excludes_seen=self.typed or not self.domain.repeats,
        )


def _unnamed(users: int) -> pa.Array:
    # By polars: the first conversion of Python values by pyarrow imports pandas, for which the first answer would wait.
    return pl.Series([f"person {place}" for place in range(users)], dtype=pl.String).to_arrow()
