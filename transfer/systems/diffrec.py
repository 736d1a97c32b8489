"""T-DiffRec and TI-DiffRec: score items by the diffused x_0 of a user's items."""

from __future__ import annotations

from functools import partial

import torch

from domains.domain import Domain
from transfer.diffusion.over_items import Weighting, enough_users, item_weights, train_diffrec
from transfer.diffusion.settings import DiffRecSettings
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.registry import Baseline, Ranker, Target

SEED = 0


def fit(target: Target, settings: DiffRecSettings, weighting: Weighting) -> Ranker:
    """Train diffusion over the items of the training users.

    The score is the x_0 of the weighted history before each target. All scores are 0 if too few users train.

    Args:
        target: the domain.
        settings: weights and diffusion.
        weighting: by position (T-DiffRec) or by time (TI-DiffRec).
    """
    split, device = target.split, target.runtime.device
    if not enough_users(split):
        return lambda domain, targets: lambda rows: torch.zeros(len(rows), split.domain.n_items, device=device)
    model = train_diffrec(split, weighting, settings, SEED, target.runtime)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        history = item_weights(domain, domain.offsets[targets.users], targets.stops, weighting, settings)
        # Every row is read once, so x_0 is not stored, which would round large ones to half precision.
        return model.diffuse(history, dense_budget=0).rows

    return ranker


T_DIFFREC = Baseline(
    name="t-diffrec",
    summary="diffusion over items, weighted by position",
    fit=partial(fit, weighting="position"),
    settings=DiffRecSettings,
)
TI_DIFFREC = Baseline(
    name="ti-diffrec",
    summary="diffusion over items, weighted by time",
    fit=partial(fit, weighting="time"),
    settings=DiffRecSettings,
)
