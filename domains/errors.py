"""The one error that a user's input can cause; everything in the project raises it, the commands print it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something in a file, a recipe, an artifact or an option that only its author can correct.

    Args:
        problem: what is wrong, as one sentence without a full stop.
        location: the file, row, key or option where it was found.
        hint: what the author can do about it.
    """

    def __init__(self, problem: str, *, location: object | None = None, hint: str | None = None) -> None:
        self.problem = problem
        self.location = None if location is None else str(location)
        self.hint = hint
        head = problem if self.location is None else f"{self.location}: {problem}"
        super().__init__(head if hint is None else f"{head}. {hint}")


@contextmanager
def within(location: object) -> Iterator[None]:
    """Put what is being done, one thing of many, in front of the place of an error in it."""
    try:
        yield
    except InputError as error:
        inner = "" if error.location is None else f": {error.location}"
        raise InputError(error.problem, location=f"{location}{inner}", hint=error.hint) from None
