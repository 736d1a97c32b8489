"""`Scorer`: the final scores of a product, from its model and late terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import InnerProducts, no_scores
from transfer.interests.forms import Interests
from transfer.model.recommender import SequentialRecommender
from transfer.sequences import Spans, by_length, gather
from transfer.terms.joined import JoinedItems
from transfer.terms.known import KnownItems
from transfer.terms.weights import TermWeights

POSITIONS_A_BATCH = 16_384
"""Number of padded positions encoded at once: enough to use all cores, few enough to stay in the cache."""


@torch.no_grad()
def final_states(
    model: SequentialRecommender,
    domain: Domain,
    targets: Targets,
    interests: Interests | None,
    max_length: int,
    device: torch.device,
    vectors: Tensor | None = None,
) -> Tensor:
    """Return (n, d) prepared states after each target's history.

    Args:
        model: the model; the call sets it to evaluation mode while it runs.
        domain: the interactions.
        targets: targets; the histories before them are encoded.
        interests: interests; rows are the domain's users.
        max_length: number of most recent items that the encoder sees.
        device: device of the model.
        vectors: (I, d) vectors of all items; computed if None.
    """
    was_training = model.training
    model.eval()
    spans = Spans.of(domain, targets.users, targets.stops, device, last=max_length)
    vectors = model.items.all() if vectors is None else vectors
    states = torch.empty(len(targets), vectors.shape[1], device=device)
    for rows in by_length(spans.lengths, 4096, POSITIONS_A_BATCH):
        batch = gather(spans, rows)
        encoded = model.states(vectors[batch.items], batch, interests)
        last = batch.mask.sum(1) - 1
        states[rows] = encoded[torch.arange(len(rows), device=device), last.clamp_min(0)].float()
    model.train(was_training)
    prepared: Tensor = model.prepared_states(states)
    return prepared


@torch.no_grad()
def model_scores(
    model: SequentialRecommender,
    domain: Domain,
    targets: Targets,
    interests: Interests | None,
    max_length: int,
    device: torch.device,
) -> InnerProducts:
    """Return a model's scores of all items for rows of the targets."""
    vectors = model.items.all()
    states = final_states(model, domain, targets, interests, max_length, device, vectors)
    return InnerProducts(states, model.prepared_items(vectors))


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorer:
    """Scores items for histories. Item vectors are computed once, so make a new one after training.

    Attributes:
        model: the sequential recommender; None for a baseline.
        ranker: returns a baseline's scores for the histories before some targets; None for late terms alone.
        personal: whether the baseline's scores depend on the history.
        known: texts and counts of items for late terms.
        weights: weights of the late terms.
        max_length: number of most recent items that the encoder sees.
        device: device of the scores.
    """

    model: SequentialRecommender | None
    ranker: Callable[[Domain, Targets], ScoreRows] | None = None
    personal: bool = True
    known: KnownItems
    weights: TermWeights
    max_length: int
    device: torch.device

    @classmethod
    def of_model(cls, model: SequentialRecommender, known: KnownItems, max_length: int, device: torch.device) -> Scorer:
        """Return the scorer of a model with its own late terms."""
        weights = model.terms.get()
        return cls(model=model, known=known, weights=weights, max_length=max_length, device=device)

    @cached_property
    def item_vectors(self) -> Tensor:
        """(I, d) vectors of the items, as the encoder reads them."""
        if self.model is None:
            raise ValueError("a product of late terms alone has no item vectors")
        with torch.no_grad():
            return self.model.items.all()

    @cached_property
    def item_table(self) -> Tensor:
        """(I, d) prepared vectors of the items, with which states are multiplied."""
        if self.model is None:
            raise ValueError("a product of late terms alone has no item vectors")
        return self.model.prepared_items(self.item_vectors)

    def own(self, domain: Domain, targets: Targets, interests: Interests | None) -> ScoreRows:
        """Return the scores of the model or baseline alone, or zeros without one.

        Args:
            domain: the interactions.
            targets: targets; each history ends before its target.
            interests: interests of the domain's users, or of its positions, as the model needs.
        """
        if self.ranker is not None:
            return self.ranker(domain, targets)
        if self.model is None:
            return no_scores(len(targets), domain.n_items, self.device)
        states = final_states(
            self.model, domain, targets, interests, self.max_length, self.device, vectors=self.item_vectors
        )
        return InnerProducts(states, self.item_table)

    def scores(self, domain: Domain, targets: Targets, interests: Interests | None) -> ScoreRows:
        """Return the scores of the product: the model's scores plus its late terms. Arguments as for `own`."""
        return self._joined.scores(self.own(domain, targets, interests), domain, targets)

    @cached_property
    def _joined(self) -> JoinedItems:
        return JoinedItems.of(self.known, self.weights, None if self.model is None else self.item_table)
