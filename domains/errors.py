"""The one error that a user's input can cause; everything in the project raises it, the commands print it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something in a file, a recipe, an artifact or an option that only its author can mend.

    Args:
        problem: what is wrong, as one sentence without a full stop.
        place: the file, row, key or option where it was found.
        mend: what the author can do about it.
    """

    def __init__(self, problem: str, *, place: object | None = None, mend: str | None = None) -> None:
        self.problem = problem
        self.place = None if place is None else str(place)
        self.mend = mend
        head = problem if self.place is None else f"{self.place}: {problem}"
        super().__init__(head if mend is None else f"{head}. {mend}")


@contextmanager
def within(place: object) -> Iterator[None]:
    """Put what is being done, one thing of many, in front of the place of an error in it."""
    try:
        yield
    except InputError as error:
        inner = "" if error.place is None else f": {error.place}"
        raise InputError(error.problem, place=f"{place}{inner}", mend=error.mend) from None
