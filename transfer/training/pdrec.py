"""PDRec (Ma et al., AAAI 2024): a sequential recommender that trains by what diffusion over items thinks of its users.

Three parts, in place of the ordinary loss: historical behaviour reweighting (positives weigh by how much the diffused
preferences agree), diffusion-based positive augmentation (top-ranked items that were not trained on count as soft
positives of the final state), and noise-free negative sampling (a second negative from the low-ranked items).

Where public descriptions leave room, and where this differs from the authors' release: noise-free negatives come from a
pool that is drawn once a user; augmented positives are never items that the user trained on (the release lets them be);
held-out items are treated like any other item (the release takes them out of the negatives, which tells the model about
the test); settings that the authors tune by data set have one default.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from recipes.settings import PDRecSettings
from transfer.interests.views import TrainView
from transfer.model.recommender import SequentialRecommender
from transfer.sequences import SequenceBatch
from transfer.training.pdrec_tables import PlugIn
from transfer.training.sampling import NegativeSampler


class PDRec:
    """Binary cross-entropy with weights, soft positives and safe negatives from a plug-in.

    Args:
        tables: what the plug-in says.
        sampler: of the ordinary negatives.
        settings: weights.
        longest: items that the encoder is made for; a train sequence may hold one more, its last target.
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
        """Mean loss of the candidates that the model itself ranks highest after the whole train sequence."""
        whole = whole.newest(self.longest)
        candidates = self.tables.positives[whole.users]
        embeds, vectors = model.embed([whole.items, candidates])
        states = model.states(embeds, whole, view.interests)
        last = whole.mask.sum(1) - 1
        final = model.prepared_states(states[torch.arange(len(last), device=last.device), last]).float()
        scores = torch.einsum("bd,bcd->bc", final, model.prepared_items(vectors).float())
        kept = scores.topk(min(self.settings.positives, scores.shape[1]), dim=1).values
        return F.softplus(-kept).mean()
