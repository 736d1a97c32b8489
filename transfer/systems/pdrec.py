"""PDRec (Ma et al., AAAI 2024): SASRec whose training uses the scores of diffusion over items.

Three parts replace the ordinary loss: historical behaviour reweighting (positives are weighted by their agreement with
the diffused preferences), diffusion-based positive augmentation (top-ranked items outside the training data are soft
positives of the final state), and noise-free negative sampling (a second negative from the low-ranked items).

Details that the paper leaves open, and differences from the authors' release: noise-free negatives come from a pool
drawn once for each user; augmented positives are never items of the user's training data (in the release they may
be); held-out items are treated like all others (the release removes them from the negatives, which leaks the test);
settings that the authors tune for each data set have one default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from domains.domain import Ints
from domains.settings import Settings
from domains.split import Split
from transfer.diffusion.over_items import enough_users, item_weights, train_diffrec
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import DiffRecSettings
from transfer.interests.views import TrainView
from transfer.model.recommender import SequentialRecommender
from transfer.registry import Trained
from transfer.sequences import SequenceBatch
from transfer.systems.sasrec import SASRec
from transfer.terms.counts import train_positions
from transfer.training.sampling import NegativeSampler
from transfer.training.task import Task

SEED = 0
"""Seed of the diffusion over items; every seed of PDRec uses the same model."""
BLOCK = 512
"""Number of users scored at once."""


class PDRecSettings(Settings):
    """Settings of PDRec (Ma et al., AAAI 2024): TI-DiffRec as a plug-in of training. The authors tune each data set."""

    rank_weight: float = Field(
        0.1, ge=0, le=1, description="Share of a behaviour's rank, against its diffused score, in its weight."
    )
    largest_weight: float = Field(2.0, gt=0, description="Maximum weight of a behaviour; their mean is about 1.")
    candidates: int = Field(
        10, ge=1, le=100_000, description="Number of top-ranked items, not trained on, that may be positives."
    )
    positives: int = Field(
        5, ge=1, le=100_000, description="Number of these used as positives: those that the model ranks highest."
    )
    positive_weight: float = Field(0.1, ge=0, description="Weight of the loss on augmented positives.")
    negative_share: float = Field(
        0.5, gt=0, le=1, description="Lowest-ranked share of items that noise-free negatives are drawn from."
    )
    diffusion: DiffRecSettings = Field(default_factory=DiffRecSettings, description="The TI-DiffRec plugged in.")
    pool: int = Field(200, ge=1, le=100_000, description="Number of noise-free negatives per user, drawn once.")

    @model_validator(mode="after")
    def _fewer(self) -> PDRecSettings:
        if self.positives > self.candidates:
            raise ValueError(f"positives ({self.positives}) must not exceed candidates ({self.candidates})")
        return self


@dataclass(frozen=True, eq=False)
class PlugIn:
    """Diffused preferences of the training users, in the forms that training needs.

    Attributes:
        weights: (N,) float32 by flat position; 1 outside the train parts.
        positives: (U, c) int64, top-ranked items outside the user's training data, without new items; padded with -1.
        negatives: (U, p) int64, low-ranked items under the same conditions.
    """

    weights: Tensor
    positives: Tensor
    negatives: Tensor

    @classmethod
    def of(
        cls, split: Split, diffusion: S2IDM, weighting: DiffRecSettings, settings: PDRecSettings, device: torch.device
    ) -> PlugIn:
        """Score every item for every training user, block by block, and keep the tables.

        Args:
            split: split of the target; only training parts are read.
            diffusion: a trained TI-DiffRec.
            weighting: w_min and w_max of its input.
            settings: settings of PDRec.
            device: device of the tables.
        """
        domain, users = split.domain, split.training_users
        history = item_weights(domain, split.starts[users], split.train_stop[users], "time", weighting)
        diffused = diffusion.diffuse(history, dense_budget=0)  # every row is read once
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
            best = block.masked_fill(barred, -torch.inf).topk(positives.shape[1])
            positives[at] = best.indices.where(best.values > -torch.inf, -1)
            negatives[at] = _low_ranked(block, barred, settings, draws)
        weights = np.ones(domain.n_interactions, dtype=np.float32)
        weights[everywhere] = behaviour_weights(scores[everywhere], owners, settings)
        tables = (torch.from_numpy(weights), positives, negatives)
        return cls(*(table.to(device) for table in tables))


def behaviour_weights(scores: npt.NDArray[np.float64], owner: Ints, settings: PDRecSettings) -> npt.NDArray[np.float32]:
    """Historical behaviour reweighting: weight each behaviour of a user by its agreement with the diffused preferences.

    Scores are mapped to 0 .. 1 for each user (the lowest stays above 0), scaled to a mean of 1, mixed with the
    behaviour's rank as a share, and limited to the largest weight.

    Args:
        scores: (n,) diffused score of each behaviour.
        owner: (n,) int64 ascending, the user of each behaviour.
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
    """Draw (B, pool) items uniformly, with replacement, from each user's lowest-ranked items that are not barred."""
    count = max(1, int(settings.negative_share * scores.shape[1]))
    lowest = (-scores).masked_fill(barred, -torch.inf).topk(count, dim=1)
    usable = torch.isfinite(lowest.values).sum(1, keepdim=True).clamp_min(1)
    drawn = (torch.rand(len(scores), settings.pool, generator=draws) * usable).long()
    return lowest.indices.gather(1, drawn)


class PDRec:
    """Binary cross-entropy with weights, soft positives and safe negatives from a plug-in.

    Args:
        tables: weights, positives and negatives of the plug-in.
        sampler: draws the ordinary negatives.
        settings: weights.
        longest: maximum number of items of the encoder; a training sequence may have one more, its last target.
    """

    replaces_loss = True

    def __init__(self, tables: PlugIn, sampler: NegativeSampler, settings: PDRecSettings, longest: int) -> None:
        self.tables, self.sampler, self.settings, self.longest = tables, sampler, settings, longest

    def loss(
        self, model: SequentialRecommender, whole: SequenceBatch, valid: Tensor, view: TrainView, draws: torch.Generator
    ) -> Tensor:
        """See `transfer.training.auxiliary.Auxiliary.loss`."""
        inputs, chosen = whole.inputs(), valid.nonzero(as_tuple=True)
        users = whole.users[chosen[0]]
        positives = whole.targets()[chosen]
        uniform = self.sampler.sample(users, 1, draws)[:, 0]
        low_ranked = self._low_ranked(users, draws)
        embeds, *vectors = model.embed([inputs.items, positives, uniform, low_ranked])
        states = model.prepared_states(model.states(embeds, inputs, view.interests)[chosen]).float()
        positive, first, second = ((states * model.prepared_items(one).float()).sum(-1) for one in vectors)
        weights = self.tables.weights[whole.positions[:, 1:][chosen]]
        recommended = weights * F.softplus(-positive) + (F.softplus(first) + F.softplus(second)) / 2
        return recommended.mean() + self.settings.positive_weight * self._augmented(model, whole, view)

    def _low_ranked(self, users: Tensor, draws: torch.Generator) -> Tensor:
        pool = self.tables.negatives.shape[1]
        place = torch.randint(pool, (len(users),), generator=draws, device=users.device)
        return self.tables.negatives[users, place]

    def _augmented(self, model: SequentialRecommender, whole: SequenceBatch, view: TrainView) -> Tensor:
        """Return the mean loss of the candidates that the model ranks highest after the whole training sequence.

        It is 0 if there are none: these users have trained on all items.
        """
        whole = whole.newest(self.longest)
        candidates = self.tables.positives[whole.users]
        embeds, vectors = model.embed([whole.items, candidates.clamp_min(0)])
        states = model.states(embeds, whole, view.interests)
        last = whole.mask.sum(1) - 1
        final = model.prepared_states(states[torch.arange(len(last), device=last.device), last]).float()
        scores = torch.einsum("bd,bcd->bc", final, model.prepared_items(vectors).float())
        scores = scores.masked_fill(candidates < 0, -torch.inf)
        kept = scores.topk(min(self.settings.positives, scores.shape[1]), dim=1).values
        kept = kept[kept > -torch.inf]
        return F.softplus(-kept).sum() / max(1, len(kept))


def _objective(task: Task, settings: PDRecSettings) -> PDRec | None:
    """Train TI-DiffRec on the target's training part, and make the objective from its scores.

    With fewer users than diffusion needs, there is none, and SASRec trains as usual.
    """
    if not enough_users(task.split):
        return None
    key = "systems.pdrec.diffusion"
    diffusion = train_diffrec(task.split, "time", settings.diffusion, SEED, task.runtime, key)
    tables = PlugIn.of(task.split, diffusion, settings.diffusion, settings, task.runtime.device)
    return PDRec(tables, NegativeSampler(task.split, task.runtime.device), settings, task.max_length)


PDREC = Trained(
    name="pdrec",
    summary="SASRec trained with the preferences that TI-DiffRec predicts",
    encoder=SASRec,
    family="sasrec",
    objective=_objective,
    settings=PDRecSettings,
)
