"""Report of a preparation: the sizes after each step, and notes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from domains.domain import Domain


@dataclass(frozen=True)
class Step:
    """Sizes after one step.

    Attributes:
        name: name of the step.
        users: number of users with an interaction.
        items: number of items with an interaction.
        interactions: number of interactions.
        setting: key of `prepare` that controls the step; ``""`` for reading.
    """

    name: str
    users: int
    items: int
    interactions: int
    setting: str = ""


@dataclass(frozen=True)
class PreparationReport:
    """The steps in order, and notes for the user."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """A sentence for each step that dropped something, with the setting that controls it."""
        lines = []
        for before, after in pairwise(self.steps):
            lost = [
                f"{getattr(before, what) - getattr(after, what):,} of {getattr(before, what):,} {what}"
                for what in ("users", "items", "interactions")
                if getattr(after, what) < getattr(before, what)
            ]
            if lost:
                lines.append(f"{', '.join(lost)} left out: {after.name} (setting: {after.setting})")
        return tuple(lines)

    def as_dict(self) -> dict[str, Any]:
        """Convert for JSON: ``{"steps": [{"name", "users", "items", "interactions", "setting"}], "notes": [...]}``."""
        return {"steps": [asdict(step) for step in self.steps], "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PreparationReport:
        """Make a report from the output of `as_dict`."""
        return cls(tuple(Step(**step) for step in data["steps"]), tuple(data["notes"]))

    def __str__(self) -> str:
        width = max([len(step.name) for step in self.steps], default=4)
        lines = [f"{'step':<{width}}  {'users':>12}  {'items':>12}  {'interactions':>14}"]
        lines += [
            f"{step.name:<{width}}  {step.users:>12,}  {step.items:>12,}  {step.interactions:>14,}"
            for step in self.steps
        ]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])


@dataclass(frozen=True, eq=False)
class PreparedDomain:
    """A domain and the report of its preparation."""

    domain: Domain
    report: PreparationReport
