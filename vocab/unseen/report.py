"""Report how unseen words were mapped: words and items per step, and the share of items with an anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vocab.sememes import ItemSememes

ORDER = ("anchor", "lemma", "spelling", "compound", "wordnet", "vectors", "hand")
"""Steps, in the order in which `StepReport.first` counts items."""
_SHOWN = 50


@dataclass(frozen=True)
class StepReport:
    """Counts of one step.

    Attributes:
        step: its name; ``anchor`` for words that are anchors, ``hand`` for edited words.
        words: number of distinct words mapped.
        items: number of items with such a word.
        first: number of items that got their first anchor in this step.
    """

    step: str
    words: int
    items: int
    first: int


@dataclass(frozen=True)
class UnseenReport:
    """How many titles of a domain have anchors, and by which step.

    Attributes:
        steps: counts of each step, in the order of `ORDER`.
        n_items: number of items I.
        unmapped: (word, number of items) of words without an anchor, most frequent first.
    """

    steps: tuple[StepReport, ...]
    n_items: int
    unmapped: tuple[tuple[str, int], ...]

    @property
    def n_covered(self) -> int:
        """Number of items with at least one anchor."""
        return sum(step.first for step in self.steps)

    @property
    def share(self) -> float:
        """Share of items with at least one anchor, in [0, 1]."""
        return self.n_covered / self.n_items if self.n_items else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, including the share."""
        return {**asdict(self), "n_covered": self.n_covered, "share": self.share}

    def __str__(self) -> str:
        lines = [f"{self.n_covered:,} of {self.n_items:,} items have an anchor ({self.share:.1%})"]
        lines += [
            f"  {step.step:9} {step.words:7,} words in {step.items:7,} items, the first anchor of {step.first:,}"
            for step in self.steps
        ]
        if self.unmapped:
            lines.append("  without anchor: " + ", ".join(f"{word} {count}" for word, count in self.unmapped[:10]))
        return "\n".join(lines)


def report_on(sememes: ItemSememes, step_of: Sequence[str | None]) -> UnseenReport:
    """Count words and items per step; `step_of` names the step that mapped each sememe, None for unmapped ones."""
    items, ids = sememes.pairs
    nothing = len(ORDER)
    rank_of = np.array([nothing if step is None else ORDER.index(step) for step in step_of], dtype=np.int64)
    ranks = rank_of[ids]
    first = np.full(sememes.n_items, nothing, dtype=np.int64)
    np.minimum.at(first, items, ranks)
    reports = tuple(
        StepReport(
            step,
            words=int(np.count_nonzero(rank_of == rank)),
            items=len(np.unique(items[ranks == rank])),
            first=int(np.count_nonzero(first == rank)),
        )
        for rank, step in enumerate(ORDER)
    )
    left = np.flatnonzero(rank_of == nothing)
    ranked = sorted((-int(sememes.item_counts[index]), sememes.lemmas[index]) for index in left)
    unmapped = tuple((word, -count) for count, word in ranked[:_SHOWN])
    return UnseenReport(reports, sememes.n_items, unmapped)
