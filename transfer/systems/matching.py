"""Matching systems: late terms alone, and the anchors term alone, without a model."""

from __future__ import annotations

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import no_scores
from transfer.registry import Baseline, NoSettings, Ranker, Target
from transfer.terms.anchors import ANCHORS
from transfer.terms.known import KnownItems


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Score every item 0, so that the variant's late terms decide."""
    items, device = target.split.domain.n_items, target.runtime.device

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return no_scores(len(targets), items, device)

    return ranker


MATCHING = Baseline(name="matching", summary="titles and anchors like the recent items', no training", fit=fit)
TERMS = Baseline(name="terms", summary="every late term alone: text, popularity, what follows what", fit=fit)


def fit_anchors(target: Target, settings: NoSettings) -> Ranker:
    """All items of the history have equal weight."""
    known = KnownItems(target.items.anchors, target.items.idf, None, target.runtime.device)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return ANCHORS.parts(known, domain, targets, recency=1.0)["anchors"]

    return ranker


ANCHOR_MATCHING = Baseline(name="anchor-matching", summary="items that share anchors with the history", fit=fit_anchors)
