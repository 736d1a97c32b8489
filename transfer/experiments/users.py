"""Results of groups of users, and the interests of three of them before and after diffusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from domains.domain import Ints
from domains.split import Split
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.summary import SeedRankings, seed_values
from transfer.interests.original import known_anchor_counts
from transfer.report.experiment_record import Case, Group, GroupGain, Threshold
from transfer.runs.adapt import Adapted
from transfer.runs.interest_factory import InterestFactory
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime

METRIC = "full/ndcg@10"
GROUPS = 5
"""Number of groups of similar size."""

Floats = npt.NDArray[np.float64]
UserValues = Mapping[str, Floats]
"""Variant -> (n,) metric of every tested user, averaged over seeds."""


def known_anchors(adapted: Adapted) -> Ints:
    """Return the number of distinct anchors of each tested user before the test item: (n,) int64."""
    targets = targets_of(adapted.split, "test")
    starts = adapted.split.starts[targets.users]
    return known_anchor_counts(adapted.split.domain, adapted.items.anchors, starts, targets.stops)


def history_lengths(split: Split) -> Ints:
    """Return the number of interactions of each tested user before the test item: (n,) int64."""
    targets = targets_of(split, "test")
    lengths: Ints = targets.stops - split.starts[targets.users]
    return lengths


def base_gains(
    rankings: Mapping[str, SeedRankings],
    seeds: Mapping[str, Sequence[int]],
    bases: Mapping[str, str],
    cutoffs: tuple[int, ...],
) -> dict[str, Floats]:
    """Return the gain of each variant over its base per user, (n,) float64, averaged over common seeds.

    Args:
        rankings: variant -> one ranking per seed.
        seeds: variant -> seeds, in the order of its rankings.
        bases: base of each variant that has one.
        cutoffs: values of k.
    """
    gains = {}
    for name, base in bases.items():
        shared = [seed for seed in seeds[name] if seed in seeds[base]]
        ours, theirs = (
            seed_values([rankings[one]["test"][seeds[one].index(seed)] for seed in shared], METRIC, cutoffs)
            for one in (name, base)
        )
        gains[name] = (ours - theirs).mean(axis=0)
    return gains


def thresholds(
    rankings: Mapping[str, SeedRankings], counts: Ints, limits: Sequence[int], cutoffs: tuple[int, ...]
) -> tuple[Threshold, ...]:
    """Return metrics of users with at most this many known anchors, in both protocols (Table 5)."""
    metrics = [f"{protocol}/{name}@10" for protocol in ("sampled", "full") for name in ("ndcg", "hit")]
    by_metric = {metric: user_values(rankings, metric, cutoffs) for metric in metrics}
    rows = []
    for limit in limits:
        few = counts <= limit
        values = {
            metric: {name: float(of[few].mean()) for name, of in users.items()} if few.any() else {}
            for metric, users in by_metric.items()
        }
        rows.append(Threshold(at_most=limit, users=int(few.sum()), values=values))
    return tuple(rows)


def user_values(rankings: Mapping[str, SeedRankings], metric: str, cutoffs: tuple[int, ...]) -> dict[str, Floats]:
    """Return one metric of every tested user, averaged over seeds: variant -> (n,) float64."""
    return {name: seed_values(of["test"], metric, cutoffs).mean(axis=0) for name, of in rankings.items()}


def grouped(values: UserValues, gains: UserValues, key: Ints, groups: int = GROUPS) -> tuple[Group, ...]:
    """Group users by an integer, and return each variant's mean and gain over its base per group.

    Args:
        values: variant -> (n,) metric.
        gains: variant -> (n,) gain over its base.
        key: (n,) int; users with equal keys are in the same group.
        groups: maximum number of groups, of similar size.
    """
    if len(key) == 0:
        return ()
    edges = np.unique(np.quantile(key, np.linspace(0, 1, groups + 1)[1:], method="lower"))
    place = np.searchsorted(edges, key, side="left")
    rows = []
    for group in np.unique(place):
        mine = place == group
        rows.append(
            Group(
                low=int(key[mine].min()),
                high=int(key[mine].max()),
                users=int(mine.sum()),
                mean={name: float(of[mine].mean()) for name, of in values.items()},
                gain={
                    name: GroupGain(mean=float(of[mine].mean()), error=_error(of[mine])) for name, of in gains.items()
                },
            )
        )
    return tuple(rows)


def _error(gain: Floats) -> float:
    """Standard error of the mean."""
    return float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0


QUANTILES = (0.1, 0.5, 0.9)
"""Quantiles of the number of known anchors at which users are chosen."""
SHOWN = 6
"""Number of anchors to show before and after."""
TITLES = 5


def case_studies(source: SourceArtifact, adapted: Adapted, runtime: Runtime) -> list[Case]:
    """Return users at the 10th, 50th and 90th percentile of known anchors; fewer if few users have anchors.

    Args:
        source: vocabulary and S2IDM.
        adapted: the target.
        runtime: device.
    """
    if source.s2idm is None:
        return []
    domain, anchors = adapted.split.domain, adapted.items.anchors
    factory = InterestFactory(
        domain=domain,
        item_anchors=anchors,
        idf=source.vocabulary.idf,
        s2idm=source.s2idm,
        settings=source.interests,
        device=runtime.device,
    )
    targets = targets_of(adapted.split, "test")
    stops = domain.offsets[1:].copy()
    stops[targets.users] = targets.stops
    original = factory.original(stops)
    known = np.diff(original.indptr)
    tested = targets.users[known[targets.users] > 0]
    if len(tested) == 0:
        return []
    order = tested[np.argsort(known[tested], kind="stable")]
    chosen = np.unique([order[round(share * (len(order) - 1))] for share in QUANTILES])
    chosen = chosen[np.argsort(known[chosen], kind="stable")]
    all_of_them = torch.arange(len(chosen), device=runtime.device)
    after = factory.made("s2idm", original[chosen]).rows(all_of_them).cpu().numpy().astype(np.float64)
    words = source.vocabulary.words
    cases = []
    for row, user in enumerate(chosen):
        before = original[user].toarray()[0].astype(np.float64)
        shown = _weightiest(before, after[row])
        items = domain.items[domain.offsets[user] : stops[user]][::-1]
        cases.append(
            Case(
                user=str(domain.user_ids[int(user)].as_py()),
                history=tuple(domain.titles_of(items[:TITLES])),
                interactions=len(items),
                known=int(known[user]),
                words=tuple(words[anchor] for anchor in shown),
                before=_shares(before, shown),
                after=_shares(after[row], shown),
            )
        )
    return cases


def _weightiest(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> list[int]:
    """Return the anchors with the highest weight before, and the unknown anchors that diffusion raises most."""
    known = [int(anchor) for anchor in np.argsort(-before, kind="stable")[:SHOWN] if before[anchor] > 0]
    unknown = np.where(before > 0, -np.inf, after)
    return known + [
        int(anchor) for anchor in np.argsort(-unknown, kind="stable")[:SHOWN] if np.isfinite(unknown[anchor])
    ]


def _shares(values: npt.NDArray[np.float64], shown: list[int]) -> tuple[float, ...]:
    top = max(float(values.max()), 1e-12)
    return tuple(max(0.0, float(values[anchor])) / top for anchor in shown)
