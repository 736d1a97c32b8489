"""From ranks to `metrics.json`: means and spread over seeds, and comparisons with their tests."""

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
from transfer.evaluation.significance import Comparison, compare

STAGES: tuple[Stage, Stage] = ("validation", "test")

SeedRankings = Mapping[Stage, Sequence[Ranking]]
"""Rankings of one variant, one a seed, by stage."""


def variant_metrics(rankings: SeedRankings, cutoffs: tuple[int, ...]) -> dict[str, Any]:
    """Mean, standard deviation (n - 1) and every seed's value, by stage, protocol and metric."""
    out: dict[str, Any] = {}
    for stage, by_seed in rankings.items():
        values = [ranking.metrics(cutoffs) for ranking in by_seed]
        out[stage] = {
            protocol: {metric: spread([value[protocol][metric] for value in values]) for metric in values[0][protocol]}
            for protocol in PROTOCOLS
        }
    return out


def beyond_accuracy(rankings: SeedRankings, popularity: npt.NDArray[np.float32]) -> dict[str, float] | None:
    """Coverage and popularity bias of the recommended items, the mean over seeds; None where none were kept.

    Args:
        rankings: of one variant.
        popularity: (I,) training interactions of each item.
    """
    kept = [ranking.recommended for ranking in rankings["test"]]
    measured = [BeyondAccuracy.of(top, popularity) for top in kept if top is not None]
    return BeyondAccuracy.mean_of(measured).as_dict() if measured else None


def spread(values: list[float]) -> dict[str, Any]:
    """Mean, standard deviation (n - 1) and the values themselves."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": deviation, "values": values}


def seed_values(rankings: Sequence[Ranking], metric: str, cutoffs: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """(S, U) of one protocol/metric."""
    protocol, name = metric.split("/", 1)
    rows = []
    for ranking in rankings:
        ranks = ranking.full if protocol == "full" else ranking.sampled
        candidates = ranking.full_candidates if protocol == "full" else ranking.sampled_candidates
        rows.append(per_user(ranks, candidates, cutoffs)[name])
    return np.stack(rows)


def compare_all(
    pairs: Sequence[tuple[str, str]],
    rankings: Mapping[str, SeedRankings],
    metric: str,
    cutoffs: tuple[int, ...],
) -> list[Comparison]:
    """Paired comparisons on the test targets; a variant without seeds is compared with every seed of the other."""
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


def protocol_note(recipe: Recipe, split: Split) -> dict[str, Any]:
    """How targets were held out and ranked, for whoever compares figures."""
    repeats = split.domain.repeats
    negatives = negatives_a_target(split.domain.n_items, recipe.evaluation)
    every = negatives == split.domain.n_items - 1
    return {
        "split": split.protocol,
        "selection": f"validation {recipe.training.metric}, on the users that train",
        "sampled": f"all {negatives} other items, each once"
        if every
        else f"{negatives} uniform negatives (any item but the target)",
        "sampled_seed": recipe.evaluation.seed,
        "full": "all items" if repeats else "all items but those the user had before",
        "repeats": "kept" if repeats else "removed",
        "ties": "count against the target",
        "prompts_see": recipe.prompts.sees,
        "shots": recipe.shots,
        "training_users": len(split.training_users),
        "validation_users": int((split.validation[split.training_users] >= 0).sum()),
        "test_users": int((split.test >= 0).sum()),
    }
