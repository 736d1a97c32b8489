"""Whether one variant beats another: paired tests over users and seeds, and a bootstrap interval of the difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of two variants on one metric.

    Attributes:
        variant: the one that is claimed to be better.
        baseline: what it is compared with.
        stage: validation or test.
        metric: protocol/metric.
        difference: mean of variant minus baseline.
        relative: the difference as a share of the baseline's mean; None where that is 0.
        low: lower end of the 95 % bootstrap interval of the difference, over users.
        high: upper end.
        p_users: paired t-test over users (their mean over seeds); None where nothing differs.
        p_seeds: paired t-test over seeds; None with fewer than two, and where neither side depends on the seed.
        seeds: how many.
    """

    variant: str
    baseline: str
    stage: str
    metric: str
    difference: float
    relative: float | None
    low: float
    high: float
    p_users: float | None
    p_seeds: float | None
    seeds: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


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
    """Compare two variants that were evaluated on the same users with the same seeds.

    Args:
        variant: name.
        baseline: name.
        stage: validation or test.
        metric: protocol/metric.
        ours: (S, U) the metric of every seed and user.
        theirs: (S, U).
        resamples: bootstrap draws of users.
    """
    gain = ours - theirs
    users = gain.mean(axis=0)
    baseline_mean = float(theirs.mean())
    low, high = _bootstrap(users, resamples)
    seeds = gain.mean(axis=1)
    # Copies of one outcome are no sample of seeds: without training, what starts from the source never differs.
    drawn = any((side != side[0]).any() for side in (ours, theirs))
    return Comparison(
        variant, baseline, stage, metric, float(users.mean()),
        float(users.mean()) / baseline_mean if baseline_mean else None,
        low, high, _t_test(users), _t_test(seeds) if drawn else None, len(seeds),
    )  # fmt: skip


def _t_test(differences: Floats) -> float | None:
    if len(differences) < 2:
        return None
    if np.ptp(differences) == 0:
        return 0.0 if differences[0] else None
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def _bootstrap(differences: Floats, resamples: int) -> tuple[float, float]:
    """Percentile interval of the mean over resampled users.

    Users who differ by the same amount are alike: how many of each kind a resample holds is multinomial, and there are
    few kinds, since most users' metrics do not differ at all.
    """
    generator = np.random.default_rng(0)
    n = len(differences)
    kinds, counts = np.unique(differences.round(12), return_counts=True)
    means = generator.multinomial(n, counts / n, size=resamples) @ kinds / n
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
