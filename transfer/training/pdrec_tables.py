"""What PDRec reads off TI-DiffRec, once before training: weights of behaviours, likely positives, safe negatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from domains.domain import Ints
from domains.split import Split
from recipes.settings import DiffRecSettings, PDRecSettings
from transfer.diffusion.over_items import item_weights
from transfer.diffusion.s2idm import S2IDM
from transfer.terms.counts import train_positions

BLOCK = 512
"""Users whose scores of all items are held at once."""


@dataclass(frozen=True, eq=False)
class PlugIn:
    """Diffused preferences of the training users, in the forms that training needs.

    Attributes:
        weights: (N,) float32 by flat position; 1 outside the train parts.
        positives: (U, c) int64, top-ranked items that the user has not trained on; none that nobody may meet.
        negatives: (U, p) int64, low-ranked ones of the same.
    """

    weights: Tensor
    positives: Tensor
    negatives: Tensor

    @classmethod
    def of(
        cls, split: Split, diffusion: S2IDM, weighting: DiffRecSettings, settings: PDRecSettings, device: torch.device
    ) -> PlugIn:
        """Score every item for every training user, block by block, and keep what is needed.

        Args:
            split: of the target; only train parts are read.
            diffusion: a trained TI-DiffRec.
            weighting: w_min and w_max of its input.
            settings: of PDRec.
            device: of the tables.
        """
        domain, users = split.domain, split.training_users
        history = item_weights(domain, split.starts[users], split.train_stop[users], "time", weighting)
        diffused = diffusion.diffuse(history)
        draws = torch.Generator().manual_seed(0)
        scores = np.zeros(domain.n_interactions, dtype=np.float64)
        positives = torch.zeros(domain.n_users, min(settings.candidates, domain.n_items), dtype=torch.int64)
        negatives = torch.zeros(domain.n_users, settings.pool, dtype=torch.int64)
        owners, everywhere = train_positions(split)
        hidden = torch.zeros(domain.n_items, dtype=torch.bool)
        if split.new_items is not None:
            hidden = torch.from_numpy(split.new_items)
        for first in range(0, len(users), BLOCK):
            mine = users[first : first + BLOCK]
            block = diffused.rows(torch.arange(first, first + len(mine), device=device)).cpu()
            start, stop = np.searchsorted(owners, [mine[0], mine[-1] + 1])
            positions = everywhere[start:stop]
            items = torch.from_numpy(domain.items[positions].astype(np.int64))
            owner = torch.from_numpy(np.searchsorted(mine, owners[start:stop]))
            scores[positions] = block[owner, items].numpy()
            at = torch.from_numpy(mine)
            barred = hidden.repeat(len(mine), 1).index_put_((owner, items), torch.tensor(True))
            positives[at] = block.masked_fill(barred, -torch.inf).topk(positives.shape[1]).indices
            negatives[at] = _low_ranked(block, barred, settings, draws)
        weights = np.ones(domain.n_interactions, dtype=np.float32)
        weights[everywhere] = behaviour_weights(scores[everywhere], owners, settings)
        tables = (torch.from_numpy(weights), positives, negatives)
        return cls(*(table.to(device) for table in tables))


def behaviour_weights(scores: npt.NDArray[np.float64], owner: Ints, settings: PDRecSettings) -> npt.NDArray[np.float32]:
    """Historical behaviour reweighting: how much each behaviour of a user agrees with the diffused preferences.

    Scores become 0 to 1 within a user (the lowest stays above 0), then are scaled to a mean of 1, mixed with the
    behaviour's rank as a share, and cut at the largest weight.

    Args:
        scores: (n,) diffused score of each behaviour.
        owner: (n,) int64, ascending: whose it is.
        settings: `rank_weight` and `largest_weight`.
    """
    if len(scores) == 0:
        return np.empty(0, np.float32)
    starts = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    counts = np.diff(np.concatenate([starts, [len(owner)]]))
    low = np.repeat(np.minimum.reduceat(scores, starts), counts)
    high = np.repeat(np.maximum.reduceat(scores, starts), counts)
    floor = np.where(low > 0, 0.5 * low, 1.5 * low)
    spread = high - floor
    agreement = np.divide(scores - floor, spread, out=np.ones_like(scores), where=spread > 0)
    mean = np.repeat(np.add.reduceat(agreement, starts) / counts, counts)
    order = np.lexsort((scores, owner))
    rank = np.empty(len(scores))
    rank[order] = np.arange(len(scores)) - np.repeat(starts, counts) + 1
    share = rank / np.repeat(counts, counts)
    mixed = (1 - settings.rank_weight) * agreement / mean + settings.rank_weight * share
    return np.minimum(mixed, settings.largest_weight).astype(np.float32)


def _low_ranked(scores: Tensor, barred: Tensor, settings: PDRecSettings, draws: torch.Generator) -> Tensor:
    """(B, pool) uniform draws, with replacement, from each user's lowest-ranked items that are not barred."""
    count = max(1, int(settings.negative_share * scores.shape[1]))
    lowest = (-scores).masked_fill(barred, -torch.inf).topk(count, dim=1)
    usable = torch.isfinite(lowest.values).sum(1, keepdim=True).clamp_min(1)
    drawn = (torch.rand(len(scores), settings.pool, generator=draws) * usable).long()
    return lowest.indices.gather(1, drawn)
