"""Anchor matching: cosine of the user's and the item's IDF-weighted anchors. Nothing is chosen; the zero-shot floor."""

from __future__ import annotations

from transfer.evaluation.ranking import ScoreRows
from transfer.systems.registry import Evidence
from transfer.terms.matcher import Matcher


def scores(evidence: Evidence) -> ScoreRows:
    """The whole history counts alike."""
    matcher = Matcher(evidence.item_anchors, evidence.idf, None, evidence.device)
    return matcher.by_anchors(evidence.split.domain, evidence.targets, recency=1.0)
