"""Popular: the same items for all users, by training interactions."""

from __future__ import annotations

import torch

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.registry import Baseline, NoSettings, Ranker, Target
from transfer.terms.counts import untied_popularity


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Count the training interactions of each item; ties are ordered at random, in the same order for all users."""
    counts = torch.from_numpy(untied_popularity(target.split)).to(target.runtime.device)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return lambda rows: counts.expand(len(rows), -1).clone()

    return ranker


POPULAR = Baseline(name="popular", summary="the most popular items, the same for everyone", fit=fit, personal=False)
