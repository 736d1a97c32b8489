"""Anchor matching: cosine of the user's and the item's IDF-weighted anchors. No training; the zero-shot floor."""

from __future__ import annotations

from transfer.baselines.base import Evidence
from transfer.evaluation.ranking import ScoreRows
from transfer.matching import matching_scores


def scores(evidence: Evidence) -> ScoreRows:
    """See `transfer.matching.matching_scores`."""
    domain, targets = evidence.split.domain, evidence.targets
    return matching_scores(domain, targets, evidence.item_anchors, evidence.idf, evidence.device)
