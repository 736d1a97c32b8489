"""What an experiment does about cells that cannot be finished: the others are, and the tables say what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from domains.errors import InputError
from transfer.experiments.plan import Cell
from transfer.experiments.pool import Failed

Result = TypeVar("Result")


class Unfinished:
    """The cells that something went wrong in, with what went wrong first."""

    def __init__(self) -> None:
        self._errors: dict[str, Exception] = {}

    def __contains__(self, cell: Cell) -> bool:
        return cell.key in self._errors

    def sift(self, outcomes: Sequence[tuple[Cell, Result | Failed]]) -> list[Result]:
        """The results among outcomes; the cells of the others are noted."""
        results = []
        for cell, outcome in outcomes:
            if isinstance(outcome, Failed):
                self._errors.setdefault(cell.key, outcome.error)
            else:
                results.append(outcome)
        return results

    def rows(self) -> list[dict[str, str]]:
        """Key of each cell and the reason, for the record."""
        return [{"key": key, "reason": str(error)} for key, error in self._errors.items()]

    def raise_first(self, finished: int, folder: Path) -> None:
        """Raise what went wrong first, if anything did; a user's error also says what there is all the same.

        Args:
            finished: how many cells have their tables.
            folder: where these are.

        Raises:
            Exception: of the first cell.
        """
        for error in self._errors.values():
            if not finished or not isinstance(error, InputError):
                raise error
            rest = f"{finished} of {finished + len(self._errors)} entries are finished: their tables are in {folder}"
            hint = rest if error.hint is None else f"{error.hint}. {rest}"
            raise InputError(error.problem, location=error.location, hint=hint)
