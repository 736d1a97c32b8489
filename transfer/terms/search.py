"""The few weights of matching, found on validation: of the target's training users, or of the sources without any."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.terms.matcher import Matcher, MatchingWeights

STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Weights that validation chooses from; a model's own scores span its temperature."""
MIXES = ((1.0, 0.0), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
"""Shares of titles and anchors at strength 1."""
RECENCIES = (1.0, 0.8, 0.6, 0.4, 0.2)
"""What an item's weight in a history is multiplied by for every later item."""
POPULARITIES = (0.0, 0.1, 0.25, 0.5, 1.0)
"""Weights of popularity at strength 1."""
BEGINNING = (16.0, (1.0, 0.5), 0.4, 0.0)
"""Where a search begins: strength, mix, recency, popularity."""
LARGEST_SEARCH = 1 << 25
"""Scores held at once while weights are searched: users are sampled so that there are no more."""
FEWEST_USERS = 256
"""Users that a search looks at all the same."""

Validate = Callable[[ScoreRows, Targets], float]
"""The selecting metric of some scores for some targets; more is better."""
_Point = tuple[float, tuple[float, float], float, float]
"""Strength, mix, recency, popularity."""


def search_weights(
    matcher: Matcher, own: ScoreRows | None, domain: Domain, targets: Targets, validate: Validate
) -> MatchingWeights:
    """The weights that validation prefers, found one axis at a time until none gets better.

    Args:
        matcher: the items.
        own: scores that matching joins; None where there is nothing else.
        domain: the interactions.
        targets: validation targets; a sample of them where they are many.
        validate: the selecting metric.
    """
    chosen = _sample(len(targets), domain.n_items)
    few = targets.only(chosen)
    base = None if own is None else _dense(own, torch.from_numpy(chosen).to(matcher.device))
    parts = _Parts(matcher, domain, few, base)
    values: dict[_Point, float] = {}

    def value(point: _Point) -> float:
        if point not in values:
            values[point] = validate(parts.scores(point), few)
        return values[point]

    axes = (
        (1.0,) if own is None else STRENGTHS,
        MIXES if matcher.title_vectors is not None else ((0.0, 1.0),),
        RECENCIES,
        POPULARITIES if matcher.counts is not None else (0.0,),
    )
    best: _Point = (
        BEGINNING[0] if BEGINNING[0] in axes[0] else axes[0][0],
        BEGINNING[1] if BEGINNING[1] in axes[1] else axes[1][0],
        *BEGINNING[2:],
    )
    before = None
    while best != before:
        before = best
        for axis, choices in enumerate(axes):
            # Of equals the first one stays, so that validation which sees no difference changes nothing.
            best = max((best, *(_moved(best, axis, choice) for choice in choices)), key=value)
    strength, (titles, anchors), recency, popularity = best
    if strength == 0:
        return MatchingWeights()
    return MatchingWeights(strength * titles, strength * anchors, recency, strength * popularity)


def _moved(point: _Point, axis: int, choice: object) -> _Point:
    return (*point[:axis], choice, *point[axis + 1 :])  # type: ignore[return-value]


def _sample(count: int, n_items: int) -> npt.NDArray[np.int64]:
    """Evenly spaced rows, so few that their scores fit `LARGEST_SEARCH`."""
    few = min(count, max(FEWEST_USERS, LARGEST_SEARCH // max(1, n_items)))
    return np.linspace(0, max(0, count - 1), few).round().astype(np.int64)


def _dense(scores: ScoreRows, rows: Tensor) -> Tensor:
    parts = [scores(part).float() for part in rows.split(512)]
    return torch.cat(parts) if parts else torch.empty(0, 0, device=rows.device)


class _Parts:
    """Scores at any point of a search. The parts of a recency are computed once and kept for the last one asked for."""

    def __init__(self, matcher: Matcher, domain: Domain, targets: Targets, base: Tensor | None) -> None:
        self.matcher, self.domain, self.targets, self.base = matcher, domain, targets, base
        self._everything = torch.arange(len(targets), device=matcher.device)
        self._recency = -1.0
        self._anchors = self._titles = torch.empty(0)

    def scores(self, point: _Point) -> ScoreRows:
        """Rows of base + strength * (titles + anchors + popularity); always a copy, since ranking overwrites it."""
        strength, (titles, anchors), recency, popularity = point
        self._compute(recency)

        def score_rows(rows: Tensor) -> Tensor:
            term = self._anchors[rows] * anchors
            if titles:
                term.add_(self._titles[rows], alpha=titles)
            if popularity:
                term.add_(self.matcher.popularity, alpha=popularity)
            return term if self.base is None else term.mul_(strength).add_(self.base[rows])

        return score_rows

    def _compute(self, recency: float) -> None:
        if recency == self._recency:
            return
        self._recency = recency
        self._anchors = _dense(self.matcher.by_anchors(self.domain, self.targets, recency), self._everything)
        if self.matcher.title_vectors is not None:
            self._titles = _dense(self.matcher.by_titles(self.domain, self.targets, recency), self._everything)
