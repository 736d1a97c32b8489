"""Search for the weights of late terms on validation targets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from domains.domain import Domain, Ints
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.progress import Progress, Silent
from transfer.terms.candidates import MIDDLE, OWN, RECENCIES, Candidates, find_candidates
from transfer.terms.known import KnownItems
from transfer.terms.weights import LEAVE_OUT, TermWeights

PRIOR: Mapping[str, float] = {
    OWN: 1.0,
    "titles": 0.6,
    "anchors": 0.3,
    "popularity": 0.1,
    "recent": 0.3,
    "transitions": 0.5,
    "backward": 0.1,
    "onward": 0.3,
    "together": 0.3,
    "taste": 0.1,
}
"""Initial weight of every part, in spreads of its scores: near the weights that validation prefers on the domains of
`transfer experiment serve_best` if all users train. Every search begins there."""
LEARNED = frozenset({OWN, "transitions", "backward", "onward", "together", "taste"})
"""Parts that learn from the target's interactions. Where there are few, they say less than texts."""
HALF = 1.0
"""Training interactions per item at which a learned part is expected to deserve half of its weight in `PRIOR`."""
EVIDENCE = 3.0
"""Sum of NDCG@10 over the users of the search at which the weights found count as much as the expected ones."""
FACTORS = (0.0, 0.35, 0.5, 0.7, 0.85, 1.2, 1.4, 2.0, 3.0)
"""The search tries a weight multiplied by each of these."""
ROUNDS = 4
LARGEST_SEARCH = 1 << 26
"""Maximum number of scores computed to find candidates; users are sampled to stay below it."""
FEWEST_USERS = 256
"""Minimum number of users in that sample."""
SAMPLES = 12
"""Number of searches, each on other users, whose weights are averaged: one search follows the luck of its users."""
LARGEST_SAMPLE = 1400
"""Maximum number of users of one search."""
ENOUGH = 10.0
"""Minimum sum of NDCG@10 over the users of a search that shows a part to be useless. If hardly any target ranks high,
a part can be left out without any loss there, whatever it is worth."""
_TINY = 1e-6


@dataclass(frozen=True)
class Point:
    """A point of the search: the weight of every part, and the recency."""

    weights: dict[str, float]
    recency: float


def search_weights(
    own: ScoreRows | None,
    known: KnownItems,
    domain: Domain,
    targets: Targets,
    terms: Sequence[str],
    progress: Progress | None = None,
    largest: int = LARGEST_SEARCH,
) -> TermWeights:
    """Search for the best weights on validation, and average the searches on several samples of its users.

    Each search starts at the usual weights and changes one at a time while that helps. The measure is NDCG@10 of full
    ranking among the candidates. The fewer targets rank high, the nearer the result is to the expected weights. A part
    that most searches drop gets weight 0, if enough targets rank high to show it. In a domain without repeated items,
    `repeats` leaves out the items that the user had.

    Args:
        own: scores of the model that the terms are added to; None if the terms score alone.
        known: the items.
        domain: the interactions.
        targets: validation targets; if there are many, a sample is used.
        terms: names of the late terms.
        progress: shows the search, which takes minutes if there are many users.
        largest: maximum number of scores to find candidates; `FEWEST_USERS` are searched in any case.
    """
    shown = progress or Silent()
    sample = _sample(len(targets), domain.n_items, largest)
    few = targets.only(sample)
    left_out = LEAVE_OUT if "repeats" in terms and targets.excludes_seen else 0.0
    if not len(few):
        return TermWeights(repeats=left_out)
    with shown.task("Candidates for late terms", len(few)) as task:
        candidates = find_candidates(_of_rows(own, sample), known, domain, few, terms, task.advance)
    parts = [name for name in candidates.scale if name != "repeats" or not targets.excludes_seen]
    if parts in ([], [OWN]):
        return TermWeights(repeats=left_out)
    rng, size = np.random.default_rng(0), min(len(few), LARGEST_SAMPLE)
    samples = [np.sort(rng.integers(0, len(few), size)) for _ in range(SAMPLES)]
    found: list[Point] = []
    with (
        shown.task("Weights of late terms", SAMPLES) as task,
        ThreadPoolExecutor(torch.get_num_threads()) as pool,  # NumPy lets other threads work
    ):
        for point in pool.map(lambda rows: _Search(candidates.of_users(rows), parts).best(), samples):
            found.append(point)
            task.advance(1)
    mean, whole = average(found, candidates.scale), _Search(candidates, parts)
    best = drawn(mean, expected(whole.start(), known), candidates.scale, whole.evidence(mean))
    strength = max(best.weights.pop(OWN, 1.0), _TINY)
    scaled = {
        name: weight if weight == LEAVE_OUT else round(weight / strength, 6) for name, weight in best.weights.items()
    }
    return TermWeights(**{"repeats": left_out} | scaled, recency=best.recency)


class _Search:
    """Coordinate ascent on the mean NDCG@10 of some candidates."""

    def __init__(self, candidates: Candidates, parts: Sequence[str]) -> None:
        self.candidates, self.parts = candidates, parts
        self.timed = len({recency for _, recency in candidates.features} - {None}) > 1

    def best(self) -> Point:
        """Return the best point found from the usual weights; without useless parts, if enough targets rank high."""
        found = self.climb(self.start())
        return self.without_useless_parts(found) if self.evidence(found) >= ENOUGH else found

    def start(self) -> Point:
        """Return the initial point."""
        return Point({part: self._usual(part) for part in self.parts}, MIDDLE)

    def _usual(self, part: str) -> float:
        """Return the usual weight of a part; 0 if it scores all candidates the same."""
        scale = self.candidates.scale[part]
        return PRIOR.get(part, 0.0) / scale if scale > _TINY else 0.0

    def scores(self, point: Point) -> npt.NDArray[np.float32]:
        """Return (m,) scores of the candidates."""
        total = np.zeros(len(self.candidates.user), np.float32)
        for part, weight in point.weights.items():
            if weight:
                total += np.float32(weight) * self.candidates.feature(part, point.recency)
        return total

    def value(self, point: Point) -> float:
        """Return the mean NDCG@10."""
        return float(self.candidates.gains(self.scores(point)).mean())

    def evidence(self, point: Point) -> float:
        """Return the sum of NDCG@10 over the users."""
        return self.value(point) * len(self.candidates.starts)

    def climb(self, point: Point) -> Point:
        """Change one weight or the recency at a time while that helps."""
        for _ in range(ROUNDS):
            before = point
            for part in self.parts:
                point = self._best_weight(point, part)
            if self.timed:
                point = self._better(point, [replace(point, recency=recency) for recency in RECENCIES])
            if point == before:
                break
        return point

    def _best_weight(self, point: Point, part: str) -> Point:
        """Return the point with the best weight of one part. The sum of the other parts is computed once."""
        others = self.scores(self._with(point, part, 0.0))
        feature = self.candidates.feature(part, point.recency)
        tries = [self._with(point, part, weight) for weight in self._tries(point, part)]
        return self._better(
            point,
            tries,
            lambda one: float(self.candidates.gains(others + np.float32(one.weights[part]) * feature).mean()),
        )

    def _better(self, point: Point, others: Sequence[Point], value_of: Callable[[Point], float] | None = None) -> Point:
        """Return the best of some points, the given one if none is better."""
        measure = value_of or self.value
        found, best = point, measure(point)
        for other in others:
            value = measure(other)
            if value > best:
                found, best = other, value
        return found

    def _with(self, point: Point, part: str, weight: float) -> Point:
        return Point({**point.weights, part: weight}, point.recency)

    def _tries(self, point: Point, part: str) -> list[float]:
        weight = point.weights[part]
        if part == "repeats":
            scale = max(abs(weight), 1.0)
            return [0.0, *(sign * factor * scale for sign in (-1, 1) for factor in FACTORS[1:]), LEAVE_OUT]
        base = weight or self._usual(part) / 2
        return [factor * base for factor in FACTORS if factor or part != OWN]

    def without_useless_parts(self, point: Point) -> Point:
        """Drop parts whose removal does not lower the measure, the most harmful one first: they only cost time."""
        while True:
            value = self.value(point)
            idle: list[tuple[float, str]] = []
            for part, weight in point.weights.items():
                if part != OWN and weight:
                    lost = value - self.value(self._with(point, part, 0.0))
                    idle += [(lost, part)] if lost <= 0 else []
            active = [part for part, weight in point.weights.items() if weight]
            if not idle or (OWN not in point.weights and len(active) == 1):
                return point
            point = Point({**point.weights, min(idle)[1]: 0.0}, point.recency)


def average(points: Sequence[Point], scale: Mapping[str, float]) -> Point:
    """Return the mean weight of every part; of `repeats` and recency, the median.

    A ranking depends on the ratios of weights alone. So each point is first scaled to unit length, in spreads of the
    parts. A part without weight in most points gets none.
    """
    lengths = [_length(point, scale) for point in points]
    weights, kept = dict[str, float](), list[str]()
    for part in points[0].weights:
        found = [
            point.weights[part] / (1.0 if point.weights[part] == LEAVE_OUT else length)
            for point, length in zip(points, lengths, strict=True)
        ]
        weights[part] = statistics.median_low(found) if part == "repeats" else statistics.fmean(found)
        if 2 * sum(map(bool, found)) >= len(points):
            kept.append(part)
    if kept:
        weights = {part: weight if part in kept else 0.0 for part, weight in weights.items()}
    return Point(weights, statistics.median_low(point.recency for point in points))


def expected(usual: Point, known: KnownItems) -> Point:
    """Return the weights that the number of training interactions lets expect: w d / (d + `HALF`) for learned parts.

    Args:
        usual: weights w where all users train.
        known: the items; d is their mean number of training interactions.
    """
    if known.counts is None:
        return usual
    per_item = float(np.nansum(known.counts)) / max(1, known.count)
    share = per_item / (per_item + HALF)
    return replace(usual, weights={part: w * share if part in LEARNED else w for part, w in usual.weights.items()})


def drawn(found: Point, to: Point, scale: Mapping[str, float], evidence: float) -> Point:
    """Return weights between those found, f, and the expected ones, x: (e f + c x) / (e + c).

    f and x have unit length, in spreads of the parts; e is the evidence, and c is `EVIDENCE`. `repeats` stays as
    found. A part that `ENOUGH` evidence dropped stays dropped.

    Args:
        found: weights of the searches.
        to: the expected weights.
        scale: spread of every part.
        evidence: sum of NDCG@10 over the users of the searches.
    """
    share = evidence / (evidence + EVIDENCE)
    lengths = _length(found, scale), _length(to, scale)
    weights = dict[str, float]()
    for part, weight in found.weights.items():
        stays = part == "repeats" or (weight == 0 and evidence >= ENOUGH)
        mixed = share * weight / lengths[0] + (1 - share) * to.weights[part] / lengths[1]
        weights[part] = weight if stays else mixed
    return Point(weights, found.recency if share >= 0.5 else to.recency)


def _length(point: Point, scale: Mapping[str, float]) -> float:
    """Return the length of the weights without `repeats`, in spreads of the parts; 1 if all are 0."""
    return math.hypot(*(w * scale[part] for part, w in point.weights.items() if part != "repeats")) or 1.0


def _of_rows(own: ScoreRows | None, sample: npt.NDArray[np.int64]) -> ScoreRows | None:
    """Return the scores of a sample of rows."""
    chosen = torch.from_numpy(sample)
    return None if own is None else lambda rows: own(chosen.to(rows.device)[rows])


def halves(users: Ints, seed: int) -> tuple[Ints, Ints]:
    """Split users at random into two halves, ascending: one to find weights, one to choose the product.

    A single user is in both halves.
    """
    order = np.random.default_rng(seed).permutation(users)
    middle = (len(order) + 1) // 2
    first, second = np.sort(order[:middle]), np.sort(order[middle:])
    return first, second if len(second) else first


def _sample(count: int, n_items: int, largest: int) -> npt.NDArray[np.int64]:
    """Return evenly spaced rows, with at most `largest` scores, but at least `FEWEST_USERS`."""
    few = min(count, max(FEWEST_USERS, largest // max(1, n_items)))
    return np.linspace(0, max(0, count - 1), few).round().astype(np.int64)
