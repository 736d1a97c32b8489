"""Collect the failed cells of an experiment, so that the others can finish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from domains.errors import InputError
from transfer.experiments.plan import Cell
from transfer.experiments.pool import Failed
from transfer.report.experiment_record import UnfinishedRecord

Result = TypeVar("Result")


class Unfinished:
    """The failed cells, each with its first error."""

    def __init__(self) -> None:
        self._errors: dict[str, Exception] = {}

    def __contains__(self, cell: Cell) -> bool:
        return cell.key in self._errors

    def sift(self, outcomes: Sequence[tuple[Cell, Result | Failed]]) -> list[Result]:
        """Return the successful results; record the cells of the others as failed."""
        results = []
        for cell, outcome in outcomes:
            if isinstance(outcome, Failed):
                self._errors.setdefault(cell.key, outcome.error)
            else:
                results.append(outcome)
        return results

    def rows(self) -> tuple[UnfinishedRecord, ...]:
        """Return the key and reason of each failed cell, for the record."""
        return tuple(UnfinishedRecord(key=key, reason=str(error)) for key, error in self._errors.items())

    def raise_first(self, finished: int, folder: Path) -> None:
        """Raise the first error, if any. An input error also reports the number and folder of finished cells.

        Args:
            finished: number of finished cells.
            folder: folder of their tables.

        Raises:
            Exception: the error of the first failed cell.
        """
        for error in self._errors.values():
            if not finished or not isinstance(error, InputError):
                raise error
            rest = f"{finished} of {finished + len(self._errors)} entries are finished: their tables are in {folder}"
            hint = rest if error.hint is None else f"{error.hint}. {rest}"
            raise InputError(error.problem, location=error.location, hint=hint)
