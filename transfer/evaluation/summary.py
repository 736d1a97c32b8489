"""Means over users and seeds, and tests of differences between variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from domains.domain import Ints
from domains.loaders.loader import PREPARED
from domains.split import Split
from domains.ties import count_ties
from recipes.schema import Recipe
from transfer.evaluation.metrics import BeyondAccuracy, per_user
from transfer.evaluation.protocol import Stage, negatives_a_target
from transfer.evaluation.ranking import PROTOCOLS, Ranking
from transfer.report.protocol_record import OrderRecord, ProtocolRecord
from transfer.report.run_record import SEEDS_FOR_A_TEST, Beyond, Comparison, Spread, StageRecord, TwoWay

Floats = npt.NDArray[np.float64]


def compare(
    variant: str,
    baseline: str,
    stage: str,
    metric: str,
    ours: Floats,
    theirs: Floats,
    *,
    resamples: int = 1000,
) -> Comparison:
    """Compare two variants on the same users and seeds.

    Args:
        variant: name of the variant.
        baseline: name of the variant that it is compared with.
        stage: validation or test.
        metric: protocol and metric.
        ours: (S, U) float64, the metric of the variant by seed and user.
        theirs: (S, U) float64, the metric of the baseline.
        resamples: number of bootstrap samples of users.
    """
    gain = ours - theirs
    users, seeds = gain.mean(axis=0), gain.mean(axis=1)
    baseline_mean = float(theirs.mean())
    low, high = _bootstrap(users, resamples)
    # A variant with `+source` that trains nothing gives the same result for all seeds: that is no sample of seeds.
    drawn = any((side != side[0]).any() for side in (ours, theirs))
    return Comparison(
        variant=variant,
        baseline=baseline,
        stage=stage,
        metric=metric,
        difference=float(users.mean()),
        relative=float(users.mean()) / baseline_mean if baseline_mean else None,
        low=low,
        high=high,
        p_users=_t_test(users),
        p_seeds=_t_test(seeds) if drawn else None,
        seeds=len(seeds),
        two_way=two_way(gain) if drawn and len(seeds) >= SEEDS_FOR_A_TEST else None,
    )


def validation_score(ranking: Ranking, training_users: Ints, metric: str, cutoffs: tuple[int, ...]) -> float:
    """Return the mean of the selection metric over the training users; 0 if the metric was not measured.

    Args:
        ranking: ranking of the validation targets.
        training_users: indices of the users that train.
        metric: the selection metric, as protocol/metric.
        cutoffs: values of k.
    """
    protocol, name = metric.split("/", 1)
    mine = ranking.only(np.flatnonzero(np.isin(ranking.users, training_users)))
    return mine.metrics(cutoffs)[protocol].get(name, 0.0)


def two_way(gain: Floats) -> TwoWay | None:
    """Test whether the mean difference over users and seeds is zero.

    User and seed are crossed random effects of a mixed model. The variance comes from the two-way analysis of variance
    and the degrees of freedom from Satterthwaite, as for readers and cases in diagnostic studies (Obuchowski and
    Rockette 1995; Hillis 2007). A bootstrap over few seeds would find too many differences. The interval is at least as
    wide as it would be if seeds had no effect of their own: five seeds may agree by luck more than users allow.

    Args:
        gain: (S, U) float64, at least two seeds and two users.

    Returns:
        95 % interval and two-sided p-value; None with too few users, or if all differences are equal.
    """
    seeds, users = gain.shape
    if users < 2 or seeds < 2 or np.ptp(gain) == 0:
        return None
    mean = gain.mean()
    by_seed, by_user = gain.mean(axis=1) - mean, gain.mean(axis=0) - mean
    squares_seed = users * (by_seed**2).sum() / (seeds - 1)
    squares_user = seeds * (by_user**2).sum() / (users - 1)
    squares_rest = ((gain - mean - by_seed[:, None] - by_user) ** 2).sum() / ((seeds - 1) * (users - 1))
    # A component cannot be negative, though its estimate can.
    from_users = max(squares_user - squares_rest, 0.0)
    # Few seeds may agree by luck. The test must hold without a component of seeds as well.
    tests = [
        _mean_test(float(mean), gain.size, ((squares, freedom), (from_users, users - 1)))
        for squares, freedom in ((squares_seed, seeds - 1), (squares_rest, (seeds - 1) * (users - 1)))
    ]
    found = [one for one in tests if one is not None]
    if not found:
        return None
    return TwoWay(low=min(one.low for one in found), high=max(one.high for one in found), p=max(one.p for one in found))


def _mean_test(mean: float, n: int, parts: Sequence[tuple[float, int]]) -> TwoWay | None:
    """Test a mean of n values by Satterthwaite's t-test; None without variance.

    Args:
        mean: the mean.
        n: number of values.
        parts: mean squares and their degrees of freedom; the sum of the squares is n times the variance of the mean.
    """
    spread = sum(squares for squares, _ in parts)
    if spread == 0:
        return None
    freedom = spread**2 / sum(squares**2 / of for squares, of in parts)
    error = np.sqrt(spread / n)
    reach = stats.t.ppf(0.975, freedom) * error
    p = 2 * stats.t.sf(abs(mean) / error, freedom)
    return TwoWay(low=float(mean - reach), high=float(mean + reach), p=float(p))


def _t_test(differences: Floats) -> float | None:
    if len(differences) < 2:
        return None
    if np.ptp(differences) == 0:
        return 0.0 if differences[0] else None
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def _bootstrap(differences: Floats, resamples: int) -> tuple[float, float]:
    """Return the percentile interval of the mean over resampled users.

    Users with the same difference are interchangeable, and most differences are 0. So it draws how often each distinct
    difference occurs, from a multinomial distribution.
    """
    generator = np.random.default_rng(0)
    n = len(differences)
    kinds, counts = np.unique(differences.round(12), return_counts=True)
    means = generator.multinomial(n, counts / n, size=resamples) @ kinds / n
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


STAGES: tuple[Stage, Stage] = ("validation", "test")

SeedRankings = Mapping[Stage, Sequence[Ranking]]
"""Rankings of one variant by stage, one for each seed."""


def variant_metrics(rankings: SeedRankings, cutoffs: tuple[int, ...]) -> dict[Stage, StageRecord]:
    """Return the metrics of every seed and their summary, by stage, protocol and metric."""
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
        rankings: rankings of one variant, one for each seed; the result is their mean.
        popularity: (I,) training interactions of each item.
    """
    kept = [ranking.recommended for ranking in rankings["test"]]
    measured = [BeyondAccuracy.of(top, popularity) for top in kept if top is not None]
    return Beyond(**BeyondAccuracy.mean_of(measured).as_dict()) if measured else None


def seed_values(rankings: Sequence[Ranking], metric: str, cutoffs: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return (S, U) values of a metric, by seed and user."""
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
    """Compare pairs of variants on the test targets. One without seeds is compared with every seed of the other."""
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
        full=f"all items but those the user had {'at the same time' if repeats else 'before'}",
        repeats="kept" if repeats else "removed",
        ties="count against the target",
        prompts_see=recipe.prompts.sees,
        shots=recipe.shots,
        catalogue=catalogue_of(recipe),
        training_users=len(split.training_users),
        validation_users=int((split.validation[split.training_users] >= 0).sum()),
        test_users=int((split.test >= 0).sum()),
        order=OrderRecord(ties=_ties(recipe), **asdict(count_ties(split.domain, split.held_out))),
    )


def _ties(recipe: Recipe) -> str | None:
    """Return the setting for the order of equal times; None if the domain was prepared before."""
    return None if recipe.target is None or recipe.target.loader in PREPARED else recipe.target.prepare.ties


def catalogue_of(recipe: Recipe) -> str:
    """Return whose interactions decide the k-core and the catalogue."""
    if recipe.core_of_training_users:
        return "of the training users alone (strict)"
    return "of all users" if recipe.shots == 1 and not recipe.evaluation.new_items else "of all users (transductive)"


def catalogue_note(recipe: Recipe) -> str:
    """Return one line about k-core and catalogue of a few-shot or cold-start run; empty for other runs."""
    if recipe.shots == 1 and not recipe.evaluation.new_items:
        return ""
    said = f"k-core and catalogue are {catalogue_of(recipe)}"
    return said if recipe.core_of_training_users or recipe.shots in (0, 1) else f"{said}; strict: core_from: training"
