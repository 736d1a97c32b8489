"""Matching: anchors and titles of items against those of a user's recent ones, with weights that validation found."""

from __future__ import annotations

from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence


def scores(evidence: Evidence) -> ScoreRows:
    """See `transfer.terms.matcher.Matcher`. Nothing is trained; a handful of weights is chosen on validation."""
    if evidence.matcher is None or evidence.matching is None:
        raise ValueError("matching needs the items and its weights")
    return evidence.matcher.alone(evidence.split.domain, evidence.targets, evidence.matching())
