"""`Scorer`: a model, its late terms and interests. Final scoring is done here and nowhere else."""

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
"""Padded positions encoded at once: enough to keep the cores busy, few enough to stay in the cache."""


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
    """(n, d) prepared state after each target's history.

    Args:
        model: in evaluation mode during the call.
        domain: the interactions.
        targets: the histories before them are encoded.
        interests: rows are the domain's users.
        max_length: most recent items that the encoder sees.
        device: of the model.
        vectors: (I, d) of all items; computed if None.
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


def model_scores(
    model: SequentialRecommender,
    domain: Domain,
    targets: Targets,
    interests: Interests | None,
    max_length: int,
    device: torch.device,
) -> InnerProducts:
    """Scores of all items for rows of the targets."""
    return InnerProducts(final_states(model, domain, targets, interests, max_length, device), model.item_table())


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorer:
    """Scores items for histories. Item vectors are computed once, so make a new one after training.

    Attributes:
        model: the sequential recommender; None for a baseline.
        ranker: scores of a baseline for the histories of a domain before some targets; None for late terms alone.
        known: the items as late terms see them.
        weights: of the late terms.
        max_length: most recent items that the encoder sees.
        device: of the scores.
    """

    model: SequentialRecommender | None
    ranker: Callable[[Domain, Targets], ScoreRows] | None = None
    known: KnownItems
    weights: TermWeights
    max_length: int
    device: torch.device

    @classmethod
    def of_model(cls, model: SequentialRecommender, known: KnownItems, max_length: int, device: torch.device) -> Scorer:
        """Return the scorer of a model with the late terms that it has learned the weights of."""
        weights = model.terms.get()
        return cls(model=model, known=known, weights=weights, max_length=max_length, device=device)

    @cached_property
    def item_vectors(self) -> Tensor:
        """(I, d) vectors of the items as the encoder reads them."""
        if self.model is None:
            raise ValueError("a product of late terms alone has no item vectors")
        return _item_vectors(self.model)

    @cached_property
    def item_table(self) -> Tensor:
        """(I, d) prepared vectors of the items, that states are multiplied with."""
        if self.model is None:
            raise ValueError("a product of late terms alone has no item vectors")
        return self.model.prepared_items(self.item_vectors)

    def own(self, domain: Domain, targets: Targets, interests: Interests | None) -> ScoreRows:
        """Return the scores of the model or baseline alone; zeros without one.

        Args:
            domain: the interactions.
            targets: each history ends before its target.
            interests: rows are the domain's users, or its positions, as the model reads them.
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
        """Return the scores of the product: those of the model plus its late terms; arguments as for `own`."""
        return self._joined.scores(self.own(domain, targets, interests), domain, targets)

    @cached_property
    def _joined(self) -> JoinedItems:
        return JoinedItems.of(self.known, self.weights, None if self.model is None else self.item_table)


@torch.no_grad()
def _item_vectors(model: SequentialRecommender) -> Tensor:
    was_training = model.training
    model.eval()
    vectors = model.items.all()
    model.train(was_training)
    return vectors
