"""Matching: how much an item's anchors and title resemble those of a user's recent items. It needs no training.

Beside a model it is a late term of the score (`+matching`); alone it is a baseline. A few weights are all it has, and
`transfer.terms.search` finds them on validation.
"""

from __future__ import annotations

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
from domains.split import Split
from transfer.evaluation.histories import history_matrix
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import InnerProducts
from transfer.sparse import unit_rows
from transfer.terms.counts import popularity


@dataclass(frozen=True)
class MatchingWeights:
    """How matching joins a score.

    Attributes:
        titles: weight of the cosine between title vectors.
        anchors: weight of the cosine between IDF-weighted anchors.
        recency: an item that lies n items back counts `recency` ** n.
        popularity: weight of an item's popularity among the training users.
    """

    titles: float = 0.0
    anchors: float = 0.0
    recency: float = 1.0
    popularity: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.titles or self.anchors or self.popularity)

    def times(self, factor: float) -> MatchingWeights:
        """The same terms, each as many times as strong."""
        return MatchingWeights(self.titles * factor, self.anchors * factor, self.recency, self.popularity * factor)

    def tensor(self) -> Tensor:
        """(4,) float32, for a model's buffer."""
        return torch.tensor([self.titles, self.anchors, self.recency, self.popularity])

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """What `tensor` gave."""
        titles, anchors, recency, popularity = (round(float(value), 6) for value in tensor)
        return cls(titles, anchors, recency, popularity)


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
        counts: (I,) training interactions of each item, NaN for one that nobody could meet; None where there are none
            or they say nothing of a target.
    """

    item_anchors: csr_matrix
    idf: npt.NDArray[np.float32]
    title_vectors: Tensor | None
    device: torch.device
    counts: npt.NDArray[np.float32] | None = None

    @cached_property
    def _weighted(self) -> csr_matrix:
        return (self.item_anchors @ diags(self.idf)).tocsr()

    @cached_property
    def _unit_anchors(self) -> csr_matrix:
        return unit_rows(self._weighted)

    @cached_property
    def _titles(self) -> Tensor | None:
        return None if self.title_vectors is None else self.title_vectors.to(self.device)

    @cached_property
    def popularity(self) -> Tensor:
        """(I,) log(1 + count), the largest 1; an item that nobody could meet is as popular as the others on average."""
        if self.counts is None:
            raise ValueError("popularity needs counts, and there are none")
        logs = torch.log1p(torch.from_numpy(self.counts).float().to(self.device))
        logs = torch.where(logs.isnan(), logs.nanmean(), logs)
        return logs / logs.max().clamp_min(1e-12)

    def by_anchors(self, domain: Domain, targets: Targets, recency: float) -> ScoreRows:
        """Cosine between the weighted sum of a history's IDF-weighted anchors and an item's, in [0, 1]."""
        users = unit_rows((history_matrix(domain, targets, recency) @ self._weighted).tocsr())

        def score_rows(rows: Tensor) -> Tensor:
            # Nearly every item shares an anchor with a user: a product of sparse and dense beats one of sparse ones.
            block = self._unit_anchors @ users[rows.cpu().numpy()].T.toarray()
            return torch.from_numpy(block).t().to(self.device)

        return score_rows

    def by_titles(self, domain: Domain, targets: Targets, recency: float) -> InnerProducts:
        """Cosine between the weighted sum of a history's title vectors and an item's, in [-1, 1]."""
        if self.title_vectors is None or self._titles is None:
            raise ValueError("titles are matched by their vectors, and there are none")
        history = history_matrix(domain, targets, recency)
        users = F.normalize(torch.from_numpy(history @ self.title_vectors.numpy()).to(self.device), dim=-1)
        return InnerProducts(users, self._titles)

    def joined(self, own: ScoreRows, domain: Domain, targets: Targets, weights: MatchingWeights) -> ScoreRows:
        """Scores plus the terms at their weights; a term of weight 0 is not computed."""
        terms: list[tuple[float, ScoreRows]] = []
        if weights.titles and self.title_vectors is not None:
            terms.append((weights.titles, self.by_titles(domain, targets, weights.recency)))
        if weights.anchors:
            terms.append((weights.anchors, self.by_anchors(domain, targets, weights.recency)))
        if weights.popularity and self.counts is not None:
            terms.append((weights.popularity, lambda rows: self.popularity[None]))
        return blended(own, terms)

    def alone(self, domain: Domain, targets: Targets, weights: MatchingWeights) -> ScoreRows:
        """The matching terms with nothing beside them."""
        return self.joined(self._nothing(domain), domain, targets, weights)

    def _nothing(self, domain: Domain) -> ScoreRows:
        return lambda rows: torch.zeros(len(rows), domain.n_items, device=self.device)


def counts_of(split: Split, known: Tensor | None) -> npt.NDArray[np.float32]:
    """(I,) training interactions of each item, NaN for those that nobody could meet."""
    counts = popularity(split)
    return counts if known is None else np.where(known.cpu().numpy(), counts, np.float32(np.nan))


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
