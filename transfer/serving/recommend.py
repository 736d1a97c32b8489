"""`Recommender`: recommendations of a target run for one or many users, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from domains.domain import Domain, Ints
from domains.errors import InputError
from transfer.evaluation.protocol import excluded_pairs
from transfer.evaluation.tiles import largest
from transfer.interests.forms import Interests
from transfer.model.scorer import Scorer
from transfer.runs.target_run import TargetRun
from transfer.serving.brand_words import brand_words
from transfer.serving.history import History
from transfer.serving.interests import Fit, InterestIndex
from transfer.serving.new_items import as_unknown, places_among, weights_of_unknown
from transfer.serving.opened import interactions_of_items
from transfer.serving.reasons import WHOLE, Reasons
from transfer.serving.title_index import TitleIndex
from transfer.sparse import columns_of
from transfer.terms.weights import LEAVE_OUT

__all__ = ["Filters", "History", "NewRecommendation", "Recommendation", "Recommender", "Top"]

TILE_SCORES = 1 << 22
"""Number of scores computed at once: 16 MB."""
UNLIKE = "little in common with the history"
"""Reason for a new item that would rank in the second half of all items, or that no past item speaks for."""
SPOKEN = 3
"""Maximum number of anchors shown with a recommendation."""


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item_id: id in the target domain.
        title: title of the item; may be empty.
        score: score of the product, comparable with other scores for the same user only.
        share: the score relative to the best one, with the user's average item at 0.
        reason: the reason in words.
        anchors: anchors that the item shares with the history, by weight.
    """

    item_id: str
    title: str
    score: float
    share: float
    reason: str
    anchors: tuple[str, ...]


@dataclass(frozen=True)
class NewRecommendation:
    """A recommended new item.

    Attributes:
        item: the recommendation.
        place: its rank among all known items, from 1.
    """

    item: Recommendation
    place: int


@dataclass(frozen=True, eq=False)
class Filters:
    """Which items may be recommended.

    Attributes:
        only: indices of the items that may be recommended; None for all.
        without: indices of items that may not be recommended.
        allow_seen: whether items of the history may be recommended.
    """

    only: Ints | None = None
    without: Ints | None = None
    allow_seen: bool = False

    @classmethod
    def of_ids(
        cls,
        domain: Domain,
        only: Sequence[str] | None = None,
        without: Sequence[str] | None = None,
        allow_seen: bool = False,
    ) -> Filters:
        """Return filters by item id.

        Raises:
            InputError: an id is unknown.
        """
        return cls(
            None if only is None else _places(domain, only, "only items"),
            None if without is None else _places(domain, without, "without items"),
            allow_seen,
        )

    def penalty(self, n_items: int) -> torch.Tensor | None:
        """Return (I,) 0 for items that may be recommended and -inf for others; None if all may."""
        if self.only is None and self.without is None:
            return None
        allowed = np.full(n_items, self.only is None)
        if self.only is not None:
            allowed[self.only] = True
        if self.without is not None:
            allowed[self.without] = False
        return torch.from_numpy(np.where(allowed, 0.0, -np.inf).astype(np.float32))


ALL = Filters()
NO_PAIRS = (torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))


@dataclass(frozen=True, eq=False)
class Top:
    """The best items of n users.

    Attributes:
        items: (n, k) int64 indices, the best first; padded with -1.
        scores: (n, k) float32.
        average: (n,) float32 mean score of all known items but those that the history excludes.
    """

    items: Ints
    scores: npt.NDArray[np.float32]
    average: npt.NDArray[np.float32]

    @property
    def shares(self) -> npt.NDArray[np.float32]:
        """Return (n, k) scores relative to the best one, with the average item at 0."""
        above = self.scores - self.average[:, None]
        best = np.where(above[:, :1] > 0, above[:, :1], 1)
        shares: npt.NDArray[np.float32] = np.clip(above / best, 0, 1)
        return shares


class Recommender:
    """Recommends items of a target run. The model is loaded once.

    Args:
        run: the target run.
        new_items: number of its last items that are new; only `recommend_new` recommends them.

    Attributes:
        scorer: scorer of the product. It scores items of the history like all others; `top` leaves them out.
        leaves_out: whether the product never recommends what the user had, although the domain may keep repeats.
    """

    def __init__(self, run: TargetRun, new_items: int = 0) -> None:
        self.run, self.first_new = run, run.domain.n_items - new_items
        self.device = torch.device("cpu")
        self.scorer, self.leaves_out = _without_left_out(run.scorer(self.device))
        unsaid = brand_words(run.domain, run.vocabulary, run.item_anchors)
        pairs = self.scorer.ranker is not None and self.scorer.personal
        self.reasons = Reasons(self.scorer, tuple(run.vocabulary.words), unsaid, pairs)

    @property
    def has_new(self) -> bool:
        """Whether the run has new items."""
        return self.first_new < self.run.domain.n_items

    @cached_property
    def titles(self) -> TitleIndex:
        """The index of items by title and id."""
        return TitleIndex.of(self.run.domain, interactions_of_items(self.run).tolist())

    def recommend(self, history: History, count: int = 10, filters: Filters = ALL) -> list[Recommendation]:
        """Return the best items for one user, in order.

        Args:
            history: past items; they are not recommended unless the domain keeps repeats or the filters allow it.
            count: number of items.
            filters: which items may be recommended.
        """
        return self.described(history, self.top(history, count, filters))[0]

    def recommend_new(self, history: History, count: int = 10, filters: Filters = ALL) -> list[NewRecommendation]:
        """Return the best new items for one user, with the rank that each would have among the known items."""
        scores = self._unknown_scores(history)
        penalty = filters.penalty(len(scores))
        scores = scores if penalty is None else scores + penalty.numpy()
        if self._excludes_seen(history, filters):
            scores[history.domain.items] = -np.inf
        new, places = self._standing(scores, count)
        top = Top(new[None], scores[new][None], np.array([scores[np.isfinite(scores)].mean()], np.float32))
        found = self.described(history, top)[0]
        # Nobody had these items, so what no past item speaks for is not popular.
        return [
            NewRecommendation(
                replace(item, reason=UNLIKE) if place > self.first_new / 2 or item.reason == WHOLE["popular"] else item,
                int(place),
            )
            for item, place in zip(found, places, strict=True)
        ]

    def recommend_for(
        self, words: Sequence[str] | Fit, count: int = 10, filters: Filters = ALL
    ) -> list[Recommendation]:
        """Return the best items for words of interest.

        Args:
            words: the words, or what `InterestIndex.fit` returned for them.
            count: how many items.
            filters: which items may be recommended.

        Raises:
            InputError: see `InterestIndex.fit`.
        """
        fit = words if isinstance(words, Fit) else self.interests.fit(words)
        scores = self._allowed(fit.scores, filters)
        scores[self.first_new :] = -np.inf
        return self._fitting(fit, fit.scores, _best(scores, count))

    def recommend_new_for(
        self, words: Sequence[str] | Fit, count: int = 10, filters: Filters = ALL
    ) -> list[NewRecommendation]:
        """Return the best new items for words of interest, with the rank that each would have among the known items."""
        fit = words if isinstance(words, Fit) else self.interests.fit(words)
        new, places = self._standing(self._allowed(fit.unknown_scores, filters), count)
        found = self._fitting(fit, fit.unknown_scores, new)
        return [NewRecommendation(item, int(place)) for item, place in zip(found, places, strict=True)]

    @cached_property
    def interests(self) -> InterestIndex:
        """The index of items by words of interest."""
        return InterestIndex.of(self.run)

    def _allowed(self, scores: npt.NDArray[np.float32], filters: Filters) -> npt.NDArray[np.float32]:
        penalty = filters.penalty(len(scores))
        return scores.copy() if penalty is None else scores + penalty.numpy()

    def _standing(self, scores: npt.NDArray[np.float32], count: int) -> tuple[Ints, Ints]:
        """Return the best new items (n,) and the ranks (n,) that they would have among the known ones."""
        known, mine = scores[: self.first_new], scores.copy()
        mine[: self.first_new] = -np.inf
        new = _best(mine, count)
        return new, places_among(scores[new], known[np.isfinite(known)])

    @cached_property
    def _unknown(self) -> Scorer:
        scorer, _ = _without_left_out(as_unknown(self.run).scorer(self.device))
        # Nobody had a new item, so that a count of users says nothing of it.
        ranker = scorer.ranker if scorer.personal else None
        return replace(scorer, ranker=ranker, weights=weights_of_unknown(scorer.weights))

    @torch.no_grad()
    def _unknown_scores(self, history: History) -> npt.NDArray[np.float32]:
        """Return (I,) scores for one user as if all items were new."""
        scorer, domain = self._unknown, history.domain
        rows = scorer.scores(domain, history.targets, self.interests_of(domain))(torch.zeros(1, dtype=torch.int64))
        scores: npt.NDArray[np.float32] = rows[0].float().numpy().copy()
        return scores

    def _fitting(self, fit: Fit, scores: npt.NDArray[np.float32], items: Ints) -> list[Recommendation]:
        domain, found = self.run.domain, []
        best = float(scores[items].max(initial=0))
        for item in items.tolist():
            mine = {self.run.vocabulary.words[anchor] for anchor in columns_of(self.run.item_anchors, item)}
            wanted = dict.fromkeys(anchor for anchors in fit.anchors for anchor in anchors)
            shared = tuple(anchor for anchor in wanted if anchor in mine)[:SPOKEN]
            found.append(
                Recommendation(
                    item_id=str(domain.item_ids[item].as_py()),
                    title=domain.titles[item].as_py() or "",
                    score=float(scores[item]),
                    share=float(np.clip(scores[item] / best, 0, 1)) if best > 0 else 0.0,
                    reason=f"fits {fit.word_of(item)}",
                    anchors=shared,
                )
            )
        return found

    @torch.no_grad()
    def top(self, history: History, count: int, filters: Filters = ALL) -> Top:
        """Return the best items of every user of a history, scored in tiles of users."""
        domain, targets = history.domain, history.targets
        people, count = domain.n_users, min(count, domain.n_items)
        excludes = self._excludes_seen(history, filters)
        score_rows = self.scorer.scores(domain, targets, self.interests_of(domain))
        penalty = filters.penalty(domain.n_items)
        flat, starts, stops = (
            torch.from_numpy(part.copy()) for part in (domain.items, targets.seen_starts, targets.stops)
        )
        items = np.full((people, count), -1, np.int64)
        scores = np.full((people, count), -np.inf, np.float32)
        average = np.zeros(people, np.float32)
        for rows in torch.arange(people).split(max(1, TILE_SCORES // domain.n_items)) if people else ():
            block = score_rows(rows)
            mine = slice(int(rows[0]), int(rows[-1]) + 1)
            seen = excluded_pairs(flat, starts[rows], stops[rows]) if excludes else NO_PAIRS
            average[mine] = _average(block[:, : self.first_new], *seen)
            block[seen] = -torch.inf
            block[:, self.first_new :] = -torch.inf
            if penalty is not None:
                block += penalty
            values, places = largest(block, count)
            scores[mine] = values.float().numpy()
            items[mine] = np.where(np.isfinite(scores[mine]), places.numpy(), -1)
        return Top(items, scores, average)

    def _excludes_seen(self, history: History, filters: Filters) -> bool:
        return (history.targets.excludes_seen or self.leaves_out) and not filters.allow_seen

    def described(self, history: History, top: Top) -> list[list[Recommendation]]:
        """Return the best items of each user with titles, shares and reasons."""
        domain, label = history.domain, self.titles.label
        ids, titles = domain.item_ids, domain.titles
        shared, shares = self._shared_anchors(history, top), top.shares
        return [
            [
                Recommendation(
                    item_id=str(ids[int(item)].as_py()),
                    title=titles[int(item)].as_py() or "",
                    score=float(top.scores[person, place]),
                    share=float(shares[person, place]),
                    reason=reason.text(label),
                    anchors=shared[person][place],
                )
                for place, (item, reason) in enumerate(zip(top.items[person], reasons, strict=False))
            ]
            for person, reasons in enumerate(self.reasons.of(history, top.items))
        ]

    def interests_of(self, domain: Domain) -> Interests | None:
        """Return the interests that the product uses, or None."""
        variant = self.run.variant
        if variant.interests is None or not self.run.has_model:
            return None
        factory = self.run.interest_factory(domain, self.device)
        by_position = variant.entry == "positions"
        stops = domain.offsets[1:]
        return factory.made(
            variant.interests, factory.original_by_position() if by_position else factory.original(stops)
        )

    def _shared_anchors(self, history: History, top: Top) -> list[list[tuple[str, ...]]]:
        """Return the anchors that history and items share, by the user's weight times IDF."""
        run, domain = self.run, history.domain
        factory = run.interest_factory(domain, self.device)
        weight = factory.original(domain.offsets[1:]).toarray() * run.vocabulary.idf
        return [
            [self._heaviest(columns_of(run.item_anchors, item), mine) for item in row if item >= 0]
            for row, mine in zip(top.items, weight, strict=True)
        ]

    def _heaviest(self, anchors: npt.NDArray[np.integer], weight: npt.NDArray[np.float32]) -> tuple[str, ...]:
        shared = sorted((anchor for anchor in anchors if weight[anchor] > 0), key=lambda anchor: -weight[anchor])
        return tuple(self.run.vocabulary.words[anchor] for anchor in shared[:SPOKEN])


def _without_left_out(scorer: Scorer) -> tuple[Scorer, bool]:
    """Return a scorer that does not mark items of the history by `LEAVE_OUT`, and whether it did."""
    if scorer.weights.repeats != LEAVE_OUT:
        return scorer, False
    return replace(scorer, weights=replace(scorer.weights, repeats=0.0)), True


def _average(scores: torch.Tensor, rows: torch.Tensor, items: torch.Tensor) -> npt.NDArray[np.float32]:
    """Return (B,) the mean of scores (B, I) without the entries at rows (m,) and items (m,), which may repeat."""
    people, count = scores.shape
    there = items < count
    entries = torch.unique(rows[there] * count + items[there])
    row, item = entries // count, entries % count
    total = scores.sum(1).index_add_(0, row, scores[row, item], alpha=-1)
    left = count - torch.bincount(row, minlength=people)
    average: npt.NDArray[np.float32] = (total / left.clamp_min(1)).float().numpy()
    return average


def _best(scores: npt.NDArray[np.float32], count: int) -> Ints:
    """Return the items (n,) with the largest finite scores, the best first."""
    order = np.argsort(-scores, kind="stable")[:count]
    best: Ints = order[np.isfinite(scores[order])].astype(np.int64)
    return best


def _places(domain: Domain, ids: Sequence[str], where: str) -> Ints:
    """Return the indices (n,) of item ids."""
    index = {str(name): place for place, name in enumerate(domain.item_ids.to_pylist())}
    unknown = [name for name in ids if name not in index]
    if unknown:
        some = ", ".join(repr(name) for name in unknown[:5])
        raise InputError(
            f"{len(unknown)} item ids are unknown: {some}",
            location=where,
            hint="transfer titles RUN lists ids",
            code="unknown-item",
        )
    return np.array([index[name] for name in ids], dtype=np.int64)
