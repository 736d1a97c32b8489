"""Matching: how much an item's anchors and title resemble those of a user's recent items. It needs no training.

Beside a model it is a late term of the score (`+matching`); alone it is a baseline. A few weights are all it has, and
validation finds them: on the target's training users, or on the sources where the target trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor
from torch.nn import functional as F

from domains.domain import Domain
from transfer.evaluation.histories import history_matrix
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.unit_rows import unit_rows

STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Weights that validation chooses from; a model's own scores span its temperature."""
MIXES = ((1.0, 0.0), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
"""Shares of titles and anchors at strength 1."""
RECENCIES = (1.0, 0.8, 0.6, 0.4, 0.2)
"""What an item's weight in a history is multiplied by for every later item."""
LARGEST_SEARCH = 1 << 25
"""Scores held at once while weights are searched: users are sampled so that there are no more."""
FEWEST_USERS = 256
"""Users that a search looks at all the same."""


@dataclass(frozen=True)
class MatchingWeights:
    """How matching joins a score.

    Attributes:
        titles: weight of the cosine between title vectors.
        anchors: weight of the cosine between IDF-weighted anchors.
        recency: an item that lies n items back counts `recency` ** n.
    """

    titles: float = 0.0
    anchors: float = 0.0
    recency: float = 1.0

    def __bool__(self) -> bool:
        return self.titles != 0 or self.anchors != 0

    def tensor(self) -> Tensor:
        """(3,) float32, for a model's buffer."""
        return torch.tensor([self.titles, self.anchors, self.recency])

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """What `tensor` gave."""
        titles, anchors, recency = (round(float(value), 6) for value in tensor)
        return cls(titles, anchors, recency)


UNTRIED = MatchingWeights(titles=1.0, anchors=1.0, recency=0.6)
"""Where neither target nor source could say: everything counts, and what is recent more."""


@dataclass(frozen=True, eq=False)
class Matcher:
    """A domain's items as matching sees them.

    Attributes:
        item_anchors: (I, q) item-sememe matrix.
        idf: (q,) float32.
        title_vectors: (I, s) unit rows, or None without a sentence encoder.
        device: of the scores.
    """

    item_anchors: csr_matrix
    idf: npt.NDArray[np.float32]
    title_vectors: Tensor | None
    device: torch.device

    @cached_property
    def _weighted(self) -> csr_matrix:
        return (self.item_anchors @ diags(self.idf)).tocsr()

    @cached_property
    def _anchor_columns(self) -> csr_matrix:
        return unit_rows(self._weighted).T.tocsr()

    @cached_property
    def _titles(self) -> Tensor | None:
        return None if self.title_vectors is None else self.title_vectors.to(self.device)

    @property
    def mixes(self) -> tuple[tuple[float, float], ...]:
        """Shares of titles and anchors that can be had here."""
        return MIXES if self.title_vectors is not None else ((0.0, 1.0),)

    def by_anchors(self, domain: Domain, targets: Targets, recency: float) -> ScoreRows:
        """Cosine between the weighted sum of a history's IDF-weighted anchors and an item's, in [0, 1]."""
        users = unit_rows((history_matrix(domain, targets, recency) @ self._weighted).tocsr())

        def score_rows(rows: Tensor) -> Tensor:
            block = users[rows.cpu().numpy()] @ self._anchor_columns
            return torch.from_numpy(block.toarray()).to(self.device)

        return score_rows

    def by_titles(self, domain: Domain, targets: Targets, recency: float) -> ScoreRows:
        """Cosine between the weighted sum of a history's title vectors and an item's, in [-1, 1]."""
        if self.title_vectors is None or self._titles is None:
            raise ValueError("titles are matched by their vectors, and there are none")
        history = history_matrix(domain, targets, recency)
        users = F.normalize(torch.from_numpy(history @ self.title_vectors.numpy()).to(self.device), dim=-1)
        columns = self._titles.t()
        return lambda rows: users[rows] @ columns

    def joined(self, own: ScoreRows, domain: Domain, targets: Targets, weights: MatchingWeights) -> ScoreRows:
        """Scores plus the matching terms at their weights; a term of weight 0 is not computed."""
        terms: list[tuple[float, ScoreRows]] = []
        if weights.titles and self.title_vectors is not None:
            terms.append((weights.titles, self.by_titles(domain, targets, weights.recency)))
        if weights.anchors:
            terms.append((weights.anchors, self.by_anchors(domain, targets, weights.recency)))
        return blended(own, terms)

    def alone(self, domain: Domain, targets: Targets, weights: MatchingWeights) -> ScoreRows:
        """The matching terms with nothing beside them."""
        return self.joined(self._nothing(domain), domain, targets, weights)

    def search(
        self,
        own: ScoreRows | None,
        domain: Domain,
        targets: Targets,
        validate: Callable[[ScoreRows, Targets], float],
    ) -> MatchingWeights:
        """The weights that validation prefers; of equal ones the smallest.

        Args:
            own: scores that matching joins; None where there is nothing else.
            domain: the interactions.
            targets: validation targets; a sample of them where they are many.
            validate: the selecting metric of some scores for some targets, more is better.
        """
        chosen = _sample(len(targets), domain.n_items)
        few = targets.only(chosen)
        base = None if own is None else _dense(own, torch.from_numpy(chosen).to(self.device))
        best, found = -np.inf, MatchingWeights()
        for weights, scores in self._candidates(base, domain, few):
            value = validate(scores, few)
            if value > best:
                best, found = value, weights
        return found

    def _candidates(
        self, base: Tensor | None, domain: Domain, targets: Targets
    ) -> Iterator[tuple[MatchingWeights, ScoreRows]]:
        """Every combination of weights with its scores; every part of a score is computed once."""
        everything = torch.arange(len(targets), device=self.device)
        if base is not None:
            yield MatchingWeights(), _rows_of(base, 0.0, base)
        strengths = STRENGTHS[1:] if base is not None else (1.0,)
        for recency in RECENCIES:
            anchors = _dense(self.by_anchors(domain, targets, recency), everything)
            titles = None
            if self.title_vectors is not None:
                titles = _dense(self.by_titles(domain, targets, recency), everything)
            for of_titles, of_anchors in self.mixes:
                term = of_anchors * anchors if titles is None else titles * of_titles + anchors * of_anchors
                for strength in strengths:
                    weights = MatchingWeights(strength * of_titles, strength * of_anchors, recency)
                    yield weights, _rows_of(base, strength, term)

    def _nothing(self, domain: Domain) -> ScoreRows:
        return lambda rows: torch.zeros(len(rows), domain.n_items, device=self.device)


def blended(own: ScoreRows, terms: list[tuple[float, ScoreRows]]) -> ScoreRows:
    """Scores plus weighted terms."""
    if not terms:
        return own

    def score_rows(rows: Tensor) -> Tensor:
        scores = own(rows)
        for weight, term in terms:
            scores = scores.add_(term(rows).to(scores.dtype), alpha=weight)
        return scores

    return score_rows


def _sample(count: int, n_items: int) -> npt.NDArray[np.int64]:
    """Evenly spaced rows, so few that their scores fit `LARGEST_SEARCH`."""
    few = min(count, max(FEWEST_USERS, LARGEST_SEARCH // max(1, n_items)))
    return np.linspace(0, max(0, count - 1), few).round().astype(np.int64)


def _dense(scores: ScoreRows, rows: Tensor) -> Tensor:
    parts = [scores(part).float() for part in rows.split(512)]
    return torch.cat(parts) if parts else torch.empty(0, 0, device=rows.device)


def _rows_of(base: Tensor | None, strength: float, term: Tensor) -> ScoreRows:
    """Rows of base + strength * term; always a copy, since ranking overwrites what it is given."""

    def score_rows(rows: Tensor) -> Tensor:
        if base is None:
            return term[rows]
        return torch.add(base[rows], term[rows], alpha=strength) if strength else base[rows]

    return score_rows
