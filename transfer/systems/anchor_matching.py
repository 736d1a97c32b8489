"""Anchor matching: cosine of the user's and the item's IDF-weighted anchors. A zero-shot baseline without training."""

from __future__ import annotations

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.registry import Baseline, NoSettings, Ranker, Target
from transfer.terms.known import KnownItems
from transfer.terms.text_terms import ANCHORS


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Return a ranker; all items of the history have the same weight."""
    known = KnownItems(
        item_anchors=target.items.anchors, idf=target.items.idf, title_vectors=None, device=target.runtime.device
    )

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return ANCHORS.parts(known, domain, targets, recency=1.0)["anchors"]

    return ranker


ANCHOR_MATCHING = Baseline(name="anchor-matching", summary="items that share anchors with the history", fit=fit)
