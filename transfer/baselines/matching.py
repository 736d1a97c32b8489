"""Matching: anchors and titles of items against those of a user's recent ones, with weights that validation found."""

from __future__ import annotations

from transfer.baselines.base import Evidence
from transfer.evaluation.ranking import ScoreRows


def scores(evidence: Evidence) -> ScoreRows:
    """See `transfer.matching.matcher.Matcher`. Nothing is trained; a handful of weights is chosen on validation."""
    if evidence.matcher is None or evidence.matching is None:
        raise ValueError("matching needs the items and its weights")
    return evidence.matcher.alone(evidence.split.domain, evidence.targets, evidence.matching())
