"""Show users' interests before and after S2IDM (Figure 5). The choice of users does not depend on results."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from transfer.evaluation.protocol import targets_of
from transfer.model.interests import InterestFactory
from transfer.report.experiment_record import Case
from transfer.runs.adapt import Adapted
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime

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
    factory = InterestFactory(domain, anchors, source.vocabulary.idf, source.s2idm, source.interests, runtime.device)
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
    users = torch.from_numpy(chosen).to(runtime.device)
    after = factory.made("s2idm", original).rows(users).cpu().numpy().astype(np.float64)
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
