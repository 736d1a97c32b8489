"""Reasons for recommendations: the past item that contributes most to a score, or that many had the item lately.

Late terms are sums over the history, so the contribution of each past item is exact. The score of a model is no such
sum: if a product has no late terms, the reason is the past item with the most similar item vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from domains.domain import Domain, Ints
from transfer.evaluation.target_histories import history_matrix
from transfer.model.scorer import Scorer
from transfer.serving.history import History
from transfer.sparse import columns_of, in_order, unit_rows, values_at
from transfer.terms.item_pairs import PARTS, recent_items

Kind = Literal["after", "like", "with", "popular", "now", "again"]
KINDS: tuple[Kind, ...] = ("after", "like", "with", "popular", "now", "again")
WHOLE: Mapping[Kind, str] = {"popular": "popular", "now": "popular now", "again": "had before"}
"""Texts of the kinds that name no past item."""
RECENT = 20
"""Number of most recent items of a history that may be a reason."""
WORDS = 3
"""Maximum number of shared anchors that a reason names."""

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reason:
    """The reason why an item is recommended.

    Attributes:
        kind: ``after`` (others chose it after the past item), ``like`` (similar title or anchors), ``with`` (the same
            users had both, or similar item vectors), ``popular`` (no past item contributes), ``now`` (that many users
            had it lately contributes more than the history), ``again`` (it is the past item).
        item: index of the past item; -1 for ``popular`` and ``now``.
        words: anchors that both share, the rarest first.
    """

    kind: Kind
    item: int
    words: tuple[str, ...] = ()

    def text(self, label: Callable[[int], str]) -> str:
        """Return the reason in words.

        Args:
            label: returns the name of an item.
        """
        if self.kind in WHOLE:
            return WHOLE[self.kind]
        name = label(self.item)
        if self.kind == "after":
            return f"after {name}"
        if self.kind == "with":
            return f"goes with {name}"
        words = ", ".join(word.replace("_", " ") for word in self.words)
        return f"like {name}" + (f": {words}" if words else "")


@dataclass(frozen=True, eq=False)
class Contributions:
    """The contributions of the last items of each history to the scores of some items.

    Attributes:
        past: (n, h) int64 indices of past items, the most recent last; padded with -1 at the front.
        terms: (n, h, k) float32 by late term.
    """

    past: Ints
    terms: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Reasons:
    """Finds reasons in the terms of a scorer.

    Attributes:
        scorer: scorer of the product.
        words: (q,) the anchors.
        unsaid: (q,) bool, anchors that reasons do not mention, such as brands; None for none.
        pairs: whether the scorer is a baseline that looks at the history, so that its best items are not just popular.
    """

    scorer: Scorer
    words: tuple[str, ...]
    unsaid: Mask | None = None
    pairs: bool = False

    @cached_property
    def _anchors(self) -> csr_matrix:
        """(I, q) IDF-weighted anchors."""
        return self.scorer.known.weighted_anchors.astype(np.float32)

    @cached_property
    def _anchor_lengths(self) -> Floats:
        return _lengths(self._anchors)

    @cached_property
    def _unit_anchors(self) -> csr_matrix:
        return unit_rows(self._anchors).tocsr()

    @cached_property
    def _unit_table(self) -> Tensor:
        return F.normalize(self.scorer.item_table.float().cpu(), dim=-1)

    def contributions(self, history: History, items: Ints, recent: int = RECENT) -> Contributions:
        """Return the exact contributions of each user's last items to the scores of items.

        Args:
            history: histories of n users.
            items: (n, k) indices of items; -1 for none.
            recent: number of last items of each user.
        """
        weights, known = self.scorer.weights, self.scorer.known
        past, ages = _recent(history.domain, recent)
        decay = np.where(past >= 0, np.float32(weights.recency) ** ages, 0).astype(np.float32)
        left, right, terms = np.maximum(past, 0), np.maximum(items, 0), {}
        whole = history_matrix(history.domain, history.targets, weights.recency)
        if weights.titles and known.titles is not None:
            vectors = known.titles.cpu()
            similar = torch.bmm(vectors[torch.from_numpy(left)], vectors[torch.from_numpy(right)].transpose(1, 2))
            length = np.linalg.norm(whole @ vectors.numpy(), axis=1)
            terms["titles"] = weights.titles * _shares(decay, length) * similar.numpy()
        if weights.anchors:
            length = _lengths((whole @ self._anchors).tocsr())
            scale = _shares(decay * self._anchor_lengths[left], length)
            terms["anchors"] = weights.anchors * scale * _between(self._cosines, past >= 0, left, right)
        if self.follows is not None:
            place = recent_items(history.domain, history.targets)
            people = np.arange(len(past))[:, None]
            share = np.where(past >= 0, np.asarray(place[people, left].todense()), 0)
            terms["transitions"] = share[:, :, None] * _between(self._followed, share > 0, left, right)
        pairs = ((self.accompanies, weights.together * decay), (self.tastes, np.full_like(decay, weights.taste)))
        for matrix, share in pairs:
            if matrix is not None and share.any():
                values = _between(partial(values_at, matrix), past >= 0, left, right)
                terms["together"] = terms.get("together", 0) + share[:, :, None] * values
        return Contributions(past, terms)

    @cached_property
    def follows(self) -> csr_matrix | None:
        """(I, I) contributions of each recent item to the others by transitions; None if there are none."""
        weights, follows = self.scorer.weights, self.scorer.known.transitions
        used = {name: getattr(weights, name) for name in PARTS if getattr(weights, name)}
        if follows is None or not used:
            return None
        parts = [(weight, follows.part(name)) for name, weight in used.items()]
        return self.scorer.known.summed(parts)

    @cached_property
    def accompanies(self) -> csr_matrix | None:
        """(I, I) cosines between the users of items; None if nobody had two items."""
        companions = self.scorer.known.companions
        return None if companions is None else in_order(companions)

    @cached_property
    def tastes(self) -> csr_matrix | None:
        """(I, I) weights of the linear item model; None without training users."""
        taste = self.scorer.known.taste
        return None if taste is None else in_order(taste)

    def of(self, history: History, items: Ints) -> list[list[Reason]]:
        """Return the reasons for items (n, k) of n users; -1 entries are skipped."""
        past, kind = self.chosen(history, items)
        return [
            [
                self._reason(KINDS[kind[person, column]], int(past[person, column]), int(item))
                for column, item in enumerate(row)
                if item >= 0
            ]
            for person, row in enumerate(items)
        ]

    def chosen(self, history: History, items: Ints) -> tuple[Ints, Ints]:
        """Return (n, k) the past item that is the reason, -1 for none, and (n, k) the index of its kind in `KINDS`."""
        found = self.contributions(history, items)
        place, kind = self._chosen(found, items)
        if not found.past.shape[1]:
            return np.full_like(place, -1), kind
        had = history_matrix(history.domain, history.targets)
        again = np.asarray(had[np.arange(len(items))[:, None], np.maximum(items, 0)].todense()) > 0
        kind = np.where(again, KINDS.index("again"), kind)
        past = np.where(again, items, np.take_along_axis(found.past, place, axis=1))
        return np.where(np.isin(kind, (KINDS.index("popular"), KINDS.index("now"))), -1, past), kind

    def _chosen(self, found: Contributions, items: Ints) -> tuple[Ints, Ints]:
        """Return (n, k) the column of the past item, and (n, k) the index of its kind in `KINDS`."""
        (people, held), lately = found.past.shape, self._lately(items)
        if not held:
            kind = np.where(lately > 0, KINDS.index("now"), KINDS.index("popular"))
            return np.zeros((people, items.shape[1]), np.int64), kind
        total = sum(found.terms.values(), np.zeros((people, held, items.shape[1]), np.float32))
        now = lately > total.sum(1, where=(found.past >= 0)[..., None])
        total[found.past < 0] = -np.inf
        place, best = total.argmax(1), total.max(1)
        kind = np.full(place.shape, KINDS.index("like"))
        for term, name in (("together", "with"), ("transitions", "after")):
            if term in found.terms:
                most = 2 * np.take_along_axis(found.terms[term], place[:, None], axis=1)[:, 0] >= best
                kind[most] = KINDS.index(name)
        silent = best <= 0
        some = silent.any(1)
        if some.any():
            kind[silent] = KINDS.index("popular")
            nearest, close = self._nearest(found.past[some], items[some])
            place[some] = np.where(silent[some], nearest, place[some])
            kind[some] = np.where(silent[some] & close, KINDS.index("with"), kind[some])
        nobody = (found.past < 0).all(1)
        kind[nobody] = KINDS.index("popular")
        kind[now] = KINDS.index("now")
        return place.astype(np.int64), kind.astype(np.int64)

    def _lately(self, items: Ints) -> Floats:
        """Return (n, k) what the recent interactions of all users add to the scores of items (n, k).

        Nobody has had a new item, and -1 entries are no items: both get 0.
        """
        recent = self.scorer.known.recent
        if recent is None:
            return np.zeros(items.shape, np.float32)
        levels = np.nan_to_num(recent.now[np.maximum(items, 0)])
        return (self.scorer.weights.recent * levels).astype(np.float32)

    def _nearest(self, past: Ints, items: Ints) -> tuple[Ints, Mask]:
        """Return (n, k) the column of the past item with the most similar item vector, and whether there is one.

        A baseline has no vectors; the same users had the nearest items. Late terms alone have said all.
        """
        if self.scorer.model is not None:
            table = self._unit_table
            left, right = (torch.from_numpy(np.maximum(part, 0)) for part in (past, items))
            similar = torch.bmm(table[left], table[right].transpose(1, 2)).numpy()
            floor = -np.inf
        elif self.pairs and self.accompanies is not None:
            cosines = partial(values_at, self.accompanies)
            similar = _between(cosines, past >= 0, np.maximum(past, 0), np.maximum(items, 0))
            floor = 0.0
        else:
            return np.zeros_like(items), np.zeros(items.shape, dtype=bool)
        similar[past < 0] = -np.inf
        return similar.argmax(1), similar.max(1) > floor

    def _reason(self, kind: Kind, past: int, item: int) -> Reason:
        return Reason(kind, past, self.shared(past, item) if kind == "like" else ())

    def shared(self, past: int, item: int) -> tuple[str, ...]:
        """Return the anchors that two items share, the rarest first."""
        matrix, idf = self.scorer.known.item_anchors, self.scorer.known.idf
        both = np.intersect1d(columns_of(matrix, past), columns_of(matrix, item))
        if self.unsaid is not None:
            both = both[~self.unsaid[both]]
        return tuple(self.words[anchor] for anchor in both[np.argsort(-idf[both], kind="stable")][:WORDS])

    def _cosines(self, past: Ints, items: Ints) -> Floats:
        """(m,) cosines of anchors between past items (m,) and items (m,)."""
        products = self._unit_anchors[past].multiply(self._unit_anchors[items]).sum(axis=1)
        return np.asarray(products, dtype=np.float32).ravel()

    def _followed(self, past: Ints, items: Ints) -> Floats:
        """(m,) contributions of past items (m,) to items (m,) by transitions."""
        if self.follows is None:
            raise ValueError("no transitions add to the scores")
        return values_at(self.follows, past, items)


def _recent(domain: Domain, most: int) -> tuple[Ints, Ints]:
    """Return (n, h) the last items of each user, padded with -1 at the front, and (n, h) their distances from the end.

    A repeated item counts only at its last place, as in late terms.
    """
    lengths = domain.lengths
    held = int(min(most, lengths.max(initial=0)))
    ages = np.broadcast_to(np.arange(held - 1, -1, -1), (domain.n_users, held))
    position = domain.offsets[1:, None] - 1 - ages
    there = ages < lengths[:, None]
    past = np.where(there, domain.items[np.where(there, position, 0)] if domain.n_interactions else -1, -1)
    past = past.astype(np.int64)
    if domain.repeats and held:
        order = np.argsort(past, axis=1, kind="stable")
        ordered = np.take_along_axis(past, order, axis=1)
        again = np.zeros_like(past, dtype=bool)
        np.put_along_axis(again, order[:, :-1], ordered[:, :-1] == ordered[:, 1:], axis=1)
        past[again] = -1
    return past, ages


def _lengths(matrix: csr_matrix) -> Floats:
    """(n,) Euclidean length of each row."""
    lengths: Floats = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float32).ravel())
    return lengths


def _shares(weights: Floats, whole: Floats) -> Floats:
    """(n, h, 1) the weights (n, h) divided by the length of the whole (n,)."""
    shares: Floats = (weights / np.maximum(whole, 1e-12)[:, None]).astype(np.float32)[..., None]
    return shares


def _between(pairs: Callable[[Ints, Ints], Floats], there: Mask, left: Ints, right: Ints) -> Floats:
    """Return (n, h, k) values of pairs of past items (n, h) and items (n, k); 0 for padding."""
    person, _ = there.nonzero()
    found = np.zeros((*left.shape, right.shape[1]), np.float32)
    found[there] = pairs(np.repeat(left[there], right.shape[1]), right[person].ravel()).reshape(
        len(person), right.shape[1]
    )
    return found
