"""Collect everything that is wrong with the input, and raise it as one error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from domains.errors import InputError

MOST_SHOWN = 20


class CombinedError(InputError):
    """Several things are wrong; the message lists each with its location and hint.

    Args:
        errors: at least two.
    """

    def __init__(self, errors: tuple[InputError, ...]) -> None:
        self.errors = errors
        lines = [f"  {number}. {error}" for number, error in enumerate(errors[:MOST_SHOWN], 1)]
        more = [f"  and {len(errors) - MOST_SHOWN:,} more"] if len(errors) > MOST_SHOWN else []
        super().__init__("\n".join([f"{len(errors)} problems", *lines, *more]), code="several")

    def at(self, location: object) -> Self:
        """The same errors, each with a location in front of its own."""
        return type(self)(tuple(error.at(f"{location}: {error.location or ''}".rstrip(": ")) for error in self.errors))


class Problems:
    """A list of errors that grows while files are checked.

    Usage::

        problems = Problems()
        with problems.catch():
            check_one_thing()
        with problems.catch():
            check_another()
        problems.check()
    """

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def add(self, error: InputError) -> None:
        """Note an error; several in one are taken apart, and equal ones are noted once."""
        for one in error.errors if isinstance(error, CombinedError) else (error,):
            if str(one) not in {str(known) for known in self.errors}:
                self.errors.append(one)

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Note the InputError that ends this block, and go on behind it."""
        try:
            yield
        except InputError as error:
            self.add(error)

    def check(self) -> None:
        """Raise what was noted.

        Raises:
            InputError: the only error, or an `CombinedError` with all of them.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise CombinedError(tuple(self.errors))
