"""Choose the product: the best variant on validation, or a simpler one if the lead may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from domains.split import Split
from recipes.schema import Recipe
from transfer.evaluation.metrics import PerUser
from transfer.evaluation.ranking import Ranking
from transfer.evaluation.summary import SeedRankings, seed_values
from transfer.items.settings import SEMANTIC_CHANNELS
from transfer.runs.checks import is_baseline
from transfer.runs.train_variant import choosing_users
from transfer.variants import Variant

DOUBT = 10
"""The lead of a variant without late terms must also hold if this many more users differed by one standard deviation
the other way. With few users such a variant often leads by chance, and the terms serve better."""


def product_of(
    recipe: Recipe, split: Split, variants: Sequence[Variant], rankings: Mapping[str, SeedRankings]
) -> Variant:
    """Choose the product of a run, on users that did not tune the weights of late terms.

    Args:
        recipe: selection metric and seed of the users.
        split: split of the target.
        variants: the variants that ran. A control with another user's interests is never chosen.
        rankings: rankings by variant.
    """
    candidates = [variant for variant in variants if variant.is_serving] or list(variants)
    users = choosing_users(split, recipe.evaluation.seed)
    if not len(users):
        return max(candidates, key=_without_training)
    metric, cutoffs = recipe.training.metric, recipe.evaluation.cutoffs
    values = {
        variant.label: choosing_values(rankings[variant.label]["validation"], users, metric, cutoffs)
        for variant in candidates
    }
    return choose_product(candidates, values)


def _without_training(variant: Variant) -> tuple[int, ...]:
    """Rank variants if no user trains, so that validation cannot choose; higher is better.

    Late terms come first: in our few-shot tests, a source's encoder did not improve on them.
    """
    titles = len(SEMANTIC_CHANNELS & set(variant.channels))
    terms = bool(variant.terms)
    alone = terms and is_baseline(variant)
    return terms, alone, len(variant.terms), variant.from_source != terms, titles - ("id" in variant.channels)


def choose_product(variants: Sequence[Variant], values: Mapping[str, PerUser]) -> Variant:
    """Return the best variant on validation; simpler ones and those with late terms win if the lead may be chance.

    Let m_v(u) be the metric of variant v for user u, averaged over seeds. A lead m_b - m_v may be chance if its mean is
    at most sd(m_b - m_v) (1 / sqrt(U) + D / U).

    Of the variants with late terms, the simplest wins over which the lead of the best may be chance (D = 0). Late terms
    alone are the simplest (they include popularity, and validation drops terms that do not help); then fewer parts and
    the larger mean decide. A variant without late terms replaces it if its lead is larger than chance (D = `DOUBT`), or
    if it is simpler and both are equal for every user. With many users, the best variant wins.

    Args:
        variants: at least one variant; all may recommend.
        values: (U,) validation metric of each user by label, for the same users.
    """
    joined = [variant for variant in variants if variant.terms]
    others = [variant for variant in variants if not variant.terms]
    if not joined or not others:
        return _simplest(joined or others, values, 0 if joined else DOUBT)
    chosen, other = _simplest(joined, values, 0), _simplest(others, values, DOUBT)
    lead = values[other.label] - values[chosen.label]
    simpler = not lead.any() and _simplicity(other) < _simplicity(chosen)
    return other if simpler or not _within_chance(lead, DOUBT) else chosen


def _simplest(variants: Sequence[Variant], values: Mapping[str, PerUser], doubt: int) -> Variant:
    best = max(variants, key=lambda variant: values[variant.label].mean())
    close = [variant for variant in variants if _within_chance(values[best.label] - values[variant.label], doubt)]
    return min(close, key=lambda variant: (*_simplicity(variant), -float(values[variant.label].mean())))


def _simplicity(variant: Variant) -> tuple[int, int]:
    """Return a smaller key for simpler variants: late terms alone, beside a baseline, other baselines, trained ones."""
    if is_baseline(variant):
        return (0, int(not variant.is_terms_alone)) if variant.terms else (1, 0)
    return (2, variant.parts)


def _within_chance(lead: PerUser, doubt: int) -> bool:
    users = len(lead)
    if users < 2:
        return float(lead.mean()) <= 0
    return float(lead.mean()) <= float(lead.std(ddof=1)) * (1 / np.sqrt(users) + doubt / users)


def choosing_values(
    rankings: Sequence[Ranking], users: npt.NDArray[np.int64], metric: str, cutoffs: tuple[int, ...]
) -> PerUser:
    """Return a validation metric of some users, (U,), averaged over seeds.

    Args:
        rankings: validation rankings, one for each seed.
        users: indices of the users; those without a validation target are dropped.
        metric: protocol and name, for example ``full/ndcg@10``.
        cutoffs: values of k.
    """
    chosen = [ranking.only(np.flatnonzero(np.isin(ranking.users, users))) for ranking in rankings]
    mean: PerUser = seed_values(chosen, metric, cutoffs).mean(axis=0)
    return mean
