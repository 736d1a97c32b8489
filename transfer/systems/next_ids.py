"""Next ids: recommend the items whose ids follow the last item's. This baseline checks the data.

If times are days or missing, interactions at the same time are often in the order of item ids. A model that predicts
the next id then seems good although it learned nothing. This baseline shows how good that is.
"""

from __future__ import annotations

import numpy as np
import torch

from domains.domain import Domain
from domains.ties import id_places
from transfer.evaluation.protocol import Targets
from transfer.evaluation.ranking import ScoreRows
from transfer.evaluation.target_histories import items_before
from transfer.registry import Baseline, NoSettings, Ranker, Target


def fit(target: Target, settings: NoSettings) -> Ranker:
    """Score item j after last item i by -((place of j - place of i - 1) mod I). Places are in the order of ids."""
    split, device = target.split, target.runtime.device
    order = id_places(split.domain.item_ids)
    places, items = torch.from_numpy(order).to(device), len(order)

    def ranker(domain: Domain, targets: Targets) -> ScoreRows:
        last = items_before(domain, targets)
        start = torch.from_numpy(np.where(last >= 0, order[last], -1)).to(device)

        def score_rows(rows: torch.Tensor) -> torch.Tensor:
            return -((places[None] - start[rows][:, None] - 1) % items).float()

        return score_rows

    return ranker


NEXT_IDS = Baseline(name="next-ids", summary="the ids after the last item's; a check of data without times", fit=fit)
