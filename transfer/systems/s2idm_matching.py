"""S2IDM matching: zero-shot transfer. Items are ranked by their anchors under the diffused interests, untrained."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import diags

from transfer.evaluation.ranking import ScoreRows
from transfer.interests.original import original_interests
from transfer.sparse import unit_rows
from transfer.systems.registry import Evidence


def scores(evidence: Evidence) -> ScoreRows:
    """Inner product of a user's diffused interests and an item's anchors, both weighted by IDF, items of unit length.

    S2IDM comes from the source alone; of the target, only each user's own history is read.
    """
    if evidence.s2idm is None:
        raise ValueError("s2idm-matching needs the S2IDM of a source")
    split, targets = evidence.split, evidence.targets
    starts = split.starts[targets.users]
    raw = original_interests(
        split.domain, evidence.item_anchors, starts, targets.stops, evidence.interests, evidence.idf
    )
    diffused = evidence.s2idm.diffuse(raw)
    items = unit_rows((evidence.item_anchors @ diags(evidence.idf)).tocsr())

    def score_rows(rows: torch.Tensor) -> torch.Tensor:
        users = diffused.rows(rows).cpu().numpy().astype(np.float64) * evidence.idf
        return torch.from_numpy(np.ascontiguousarray((items @ users.T).T)).to(evidence.device)

    return score_rows
