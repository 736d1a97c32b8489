"""A recommender's scores for held-out targets: encode histories once, then multiply blocks of states and items."""

from __future__ import annotations

import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.tiles import InnerProducts
from transfer.interests.forms import Interests
from transfer.model.recommender import SequentialRecommender
from transfer.sequences import Spans, by_length, gather

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
        model: put into evaluation mode here and back afterwards.
        domain: the interactions.
        targets: whose histories are encoded.
        interests: rows are the domain's users.
        max_length: most recent items that the encoder sees.
        device: of the model.
        vectors: (I, d) of all items, where the caller has them.
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
