"""The errors that a user's input can cause; everything in the project raises them, the commands print them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self


class InputError(ValueError):
    """Something in a file, a recipe, an artifact or an option that only its author can correct.

    Args:
        problem: what is wrong, as one sentence without a full stop.
        location: the file, row, key or option where it was found.
        hint: what the author can do about it.
        code: a stable name of this problem in kebab case, for programs; by default the one of the class.
    """

    default_code: ClassVar[str] = "input"

    def __init__(
        self, problem: str, *, location: object | None = None, hint: str | None = None, code: str | None = None
    ) -> None:
        self.problem = problem
        self.location = None if location is None else str(location)
        self.hint = hint
        self.code = code or self.default_code
        head = problem if self.location is None else f"{self.location}: {problem}"
        super().__init__(head if hint is None else f"{head}. {hint}")

    def at(self, location: object) -> Self:
        """The same error at another location."""
        return type(self)(self.problem, location=location, hint=self.hint, code=self.code)


class DataError(InputError):
    """A domain's files hold something wrong."""

    default_code = "data"


class SettingsError(InputError):
    """A recipe, an option or an argument is wrong."""

    default_code = "settings"


class RunError(InputError):
    """An artifact, a run's folder, or what is written to it is wrong."""

    default_code = "run"


@contextmanager
def within(location: object) -> Iterator[None]:
    """Prefix the location of an error with the one of many things that is being worked on."""
    try:
        yield
    except InputError as error:
        inner = "" if error.location is None else f": {error.location}"
        raise error.at(f"{location}{inner}") from None
