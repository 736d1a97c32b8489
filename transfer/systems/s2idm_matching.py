"""S2IDM matching: zero-shot transfer. Items are ranked by their anchors' diffused interests; nothing is trained."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import diags

from domains.domain import Domain
from domains.errors import SettingsError
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.interests.original import original_interests
from transfer.registry import Baseline, NoSettings, Ranker, Target
from transfer.sparse import unit_rows


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Score by the inner product of a user's diffused interests and an item's anchors, with IDF and unit items.

    S2IDM comes from the source. Of the target, only each user's own history is read.

    Raises:
        InputError: the artifact has no S2IDM.
    """
    source = target.source
    if source is None:
        raise SettingsError(
            "s2idm-matching needs a source", location="variants", hint="Add sources:, or leave it out", code="no-source"
        )
    anchors, idf = target.items.anchors, target.items.idf
    items = unit_rows((anchors @ diags(idf)).tocsr())

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        starts = domain.offsets[targets.users]
        raw = original_interests(domain, anchors, starts, targets.stops, source.interests, idf)
        diffused = source.s2idm.diffuse(raw, dense_budget=0)  # every row is read once

        def score_rows(rows: torch.Tensor) -> torch.Tensor:
            users = diffused.rows(rows).cpu().numpy().astype(np.float64) * idf
            return torch.from_numpy(np.ascontiguousarray((items @ users.T).T)).to(target.runtime.device)

        return score_rows

    return ranker


S2IDM_MATCHING = Baseline(name="s2idm-matching", summary="S2IDM of the source alone; no training", fit=fit)
