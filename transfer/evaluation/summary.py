"""Means over users and seeds, and comparisons, of the rankings of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from domains.split import Split
from recipes.schema import Recipe
from transfer.evaluation.beyond import BeyondAccuracy
from transfer.evaluation.metrics import per_user
from transfer.evaluation.protocol import Stage, negatives_a_target
from transfer.evaluation.ranking import PROTOCOLS, Ranking
from transfer.evaluation.significance import compare
from transfer.report.record import Beyond, Comparison, ProtocolRecord, Spread
from transfer.report.record import Stage as StageRecord

STAGES: tuple[Stage, Stage] = ("validation", "test")

SeedRankings = Mapping[Stage, Sequence[Ranking]]
"""Rankings of one variant, one a seed, by stage."""


def variant_metrics(rankings: SeedRankings, cutoffs: tuple[int, ...]) -> dict[Stage, StageRecord]:
    """Return every metric over seeds, by stage, protocol and metric."""
    out: dict[Stage, StageRecord] = {}
    for stage, by_seed in rankings.items():
        values = [ranking.metrics(cutoffs) for ranking in by_seed]
        out[stage] = {
            protocol: {
                metric: Spread.of([value[protocol][metric] for value in values]) for metric in values[0][protocol]
            }
            for protocol in PROTOCOLS
            if protocol in values[0]
        }
    return out


def beyond_accuracy(rankings: SeedRankings, popularity: npt.NDArray[np.float32]) -> Beyond | None:
    """Return coverage and popularity bias of the recommended items, or None if no recommendations were kept.

    Args:
        rankings: of one variant, one a seed; the result is the mean over them.
        popularity: (I,) training interactions of each item.
    """
    kept = [ranking.recommended for ranking in rankings["test"]]
    measured = [BeyondAccuracy.of(top, popularity) for top in kept if top is not None]
    return Beyond(**BeyondAccuracy.mean_of(measured).as_dict()) if measured else None


def seed_values(rankings: Sequence[Ranking], metric: str, cutoffs: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return (S, U) values of one protocol/metric."""
    protocol, name = metric.split("/", 1)
    rows = []
    for ranking in rankings:
        ranks, candidates = getattr(ranking, protocol), getattr(ranking, f"{protocol}_candidates")
        rows.append(per_user(ranks, candidates, cutoffs)[name])
    return np.stack(rows)


def compare_all(
    pairs: Sequence[tuple[str, str]],
    rankings: Mapping[str, SeedRankings],
    metric: str,
    cutoffs: tuple[int, ...],
) -> list[Comparison]:
    """Compare pairs of variants on the test targets. A baseline, which has no seeds, meets every seed of the other."""
    out = []
    for variant, baseline in pairs:
        ours = seed_values(rankings[variant]["test"], metric, cutoffs)
        theirs = seed_values(rankings[baseline]["test"], metric, cutoffs)
        seeds = max(len(ours), len(theirs))
        if ours.shape[1] == 0:
            continue
        ours, theirs = (np.broadcast_to(v, (seeds, v.shape[1])) for v in (ours, theirs))
        out.append(compare(variant, baseline, "test", metric, ours, theirs))
    return out


def protocol_record(recipe: Recipe, split: Split) -> ProtocolRecord:
    """Return how targets were held out and ranked."""
    repeats = split.domain.repeats
    negatives = negatives_a_target(split.domain.n_items, recipe.evaluation)
    every = negatives == split.domain.n_items - 1
    return ProtocolRecord(
        split=split.protocol,
        selection=f"validation {recipe.training.metric}, on the users that train",
        sampled=f"all {negatives} other items, each once"
        if every
        else f"{negatives} uniform negatives (any item but the target)",
        sampled_seed=recipe.evaluation.seed,
        full="all items" if repeats else "all items but those the user had before",
        repeats="kept" if repeats else "removed",
        ties="count against the target",
        prompts_see=recipe.prompts.sees,
        shots=recipe.shots,
        training_users=len(split.training_users),
        validation_users=int((split.validation[split.training_users] >= 0).sum()),
        test_users=int((split.test >= 0).sum()),
    )
