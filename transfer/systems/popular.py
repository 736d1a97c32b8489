"""Most popular: the same list for everyone."""

from __future__ import annotations

import torch

from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence
from transfer.terms.counts import untied_popularity


def scores(evidence: Evidence) -> ScoreRows:
    """Training interactions of each item; chance decides between equals."""
    counts = torch.from_numpy(untied_popularity(evidence.split)).to(evidence.device)
    return lambda rows: counts.expand(len(rows), -1).clone()
