"""What a baseline is given, and where baselines are found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix

from domains.split import Split
from recipes.settings import DiffRecSettings, InterestSettings
from transfer.diffusion.s2idm import S2IDM
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.runtime import Runtime
from transfer.terms.counts import train_positions
from transfer.terms.matcher import Matcher, MatchingWeights


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a baseline may use.

    Attributes:
        split: interactions; only the train parts of the training users may be counted.
        targets: whose histories (everything before each target) are scored.
        item_anchors: (I, q).
        idf: (q,) float32.
        device: of the scores.
        s2idm: frozen, from the source; None where only the target is known.
        interests: how s'_0 is weighted for it.
        diffrec: settings of diffusion over items.
        runtime: for baselines that train.
        matcher: the items as matching sees them.
        matching: finds the weights of matching alone.
    """

    split: Split
    targets: Targets
    item_anchors: csr_matrix
    idf: npt.NDArray[np.float32]
    device: torch.device
    s2idm: S2IDM | None = None
    interests: InterestSettings = field(default_factory=InterestSettings)
    diffrec: DiffRecSettings = field(default_factory=DiffRecSettings)
    runtime: Runtime = field(default_factory=Runtime)
    matcher: Matcher | None = None
    matching: Callable[[], MatchingWeights] | None = None


Baseline = Callable[[Evidence], ScoreRows]
"""Asked once a stage. One that trains keeps what it learned for the other stage: both train on the same part."""


def find_baseline(name: str) -> Baseline:
    """The baseline of a name in `transfer.variants.BASELINES`."""
    from transfer.systems import (
        anchor_matching,
        diffrec,
        ease,
        item_knn,
        matching,
        popular,
        s2idm_matching,
        transitions,
    )

    known: dict[str, Baseline] = {
        "popular": popular.scores,
        "transitions": transitions.scores,
        "item-knn": item_knn.scores,
        "ease": ease.scores,
        "anchor-matching": anchor_matching.scores,
        "matching": matching.scores,
        "s2idm-matching": s2idm_matching.scores,
        "t-diffrec": diffrec.DiffRecBaseline("position"),
        "ti-diffrec": diffrec.DiffRecBaseline("time"),
    }
    return known[name]


def train_matrix(split: Split) -> csr_matrix:
    """(U, I) binary float32 matrix of the training interactions."""
    owner, position = train_positions(split)
    shape = (split.domain.n_users, split.domain.n_items)
    matrix = csr_matrix((np.ones(len(owner), np.float32), (owner, split.domain.items[position])), shape=shape)
    matrix.data[:] = 1.0
    return matrix
