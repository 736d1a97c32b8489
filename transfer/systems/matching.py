"""Matching and terms: late terms without a model. Nothing is trained."""

from __future__ import annotations

from domains.domain import Domain
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.tiles import no_scores
from transfer.registry import Baseline, NoSettings, Ranker, Target


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Return a ranker that scores every item 0, so that the variant's late terms decide."""
    items, device = target.split.domain.n_items, target.runtime.device

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        return no_scores(len(targets), items, device)

    return ranker


MATCHING = Baseline(name="matching", summary="items with titles and anchors like recent ones", fit=fit)
TERMS = Baseline(name="terms", summary="all late terms, no model: texts, popularity, transitions", fit=fit)
