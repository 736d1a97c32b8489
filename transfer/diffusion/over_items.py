"""T-DiffRec and TI-DiffRec: diffusion over the items of one domain, with the schedule and denoiser of S2IDM."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from scipy.sparse import csr_matrix, identity

from domains.domain import Domain, Ints, TimeKind
from domains.split import Split
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import DiffRecSettings
from transfer.interests.original import original_interests
from transfer.interests.settings import InterestSettings
from transfer.runtime import Runtime

Weighting = Literal["position", "time"]
"""Weight interactions by position in the sequence (T-DiffRec) or by time (TI-DiffRec)."""
FEWEST = 2
"""Minimum number of users with something to train on: one trains, one selects the epoch."""


def item_weights(
    domain: Domain, starts: Ints, stops: Ints, weighting: Weighting, settings: DiffRecSettings
) -> csr_matrix:
    """Return the weights, w_min to w_max, of the items in each span: (n, I). Weights of repeated items are added.

    If times are only an order, both weightings are equal.

    Args:
        domain: the interactions.
        starts: (n,) flat span starts.
        stops: (n,) flat span stops.
        weighting: by position or by time.
        settings: w_min and w_max.
    """
    by = replace(domain, time_kind=TimeKind.ORDER) if weighting == "position" else domain
    weights = InterestSettings(w_min=settings.w_min, w_max=settings.w_max)
    return original_interests(by, identity(domain.n_items, format="csr"), starts, stops, weights)


def enough_users(split: Split) -> bool:
    """Whether at least `FEWEST` training users have training interactions; a temporal split leaves some without."""
    return int((split.train_stop > split.starts)[split.training_users].sum()) >= FEWEST


def train_diffrec(
    split: Split,
    weighting: Weighting,
    settings: DiffRecSettings,
    seed: int,
    runtime: Runtime,
    key: str | None = None,
) -> S2IDM:
    """Train diffusion over items on the train parts of the training users.

    Args:
        split: split of the target, with `enough_users`.
        weighting: by position or by time.
        settings: weights and model.
        seed: seed of initialisation, order and noise.
        runtime: device, processes, progress.
        key: location of the settings in a recipe, for messages; default: that of the system.

    Returns:
        A model whose "anchors" are the domain's items.
    """
    users = split.training_users
    matrix = item_weights(split.domain, split.starts[users], split.train_stop[users], weighting, settings)
    name = "T-DiffRec" if weighting == "position" else "TI-DiffRec"
    interests = [SourceInterests(name=name, inputs=matrix, targets=matrix)]
    location = key or f"systems.{name.lower()}"
    return train_s2idm(interests, settings.model, seed, runtime, title=name, key=f"{location}.model")
