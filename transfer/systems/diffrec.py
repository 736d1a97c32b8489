"""T-DiffRec and TI-DiffRec as recommenders: the diffused x_0 of a user's items is the score."""

from __future__ import annotations

import torch

from transfer.diffusion.over_items import Weighting, item_weights, train_diffrec
from transfer.diffusion.s2idm import S2IDM
from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence

SEED = 0
FEWEST = 2
"""Users without whom nothing can be learned: one trains, one selects the epoch."""


class DiffRecBaseline:
    """Trains at the first stage it is asked for, and keeps its model for the other one.

    Args:
        weighting: by position (T-DiffRec) or by time (TI-DiffRec).
    """

    def __init__(self, weighting: Weighting) -> None:
        self.weighting = weighting
        self._model: S2IDM | None = None

    def __call__(self, evidence: Evidence) -> ScoreRows:
        """Scores of all items: x_0 from the weighted history before each target; zeros where nobody trains."""
        split, targets = evidence.split, evidence.targets
        if len(split.training_users) < FEWEST:
            return lambda rows: torch.zeros(len(rows), split.domain.n_items, device=evidence.device)
        if self._model is None:
            self._model = train_diffrec(split, self.weighting, evidence.diffrec, SEED, evidence.runtime)
        starts = split.starts[targets.users]
        history = item_weights(split.domain, starts, targets.stops, self.weighting, evidence.diffrec)
        diffused = self._model.diffuse(history)

        def score_rows(rows: torch.Tensor) -> torch.Tensor:
            return diffused.rows(rows).clone()

        return score_rows
