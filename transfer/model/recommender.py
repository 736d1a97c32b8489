"""`SequentialRecommender`: item vectors, encoder, conditioner, and the score of a state and an item."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.items.tower import ItemTower
from transfer.model.conditioner import Conditioner
from transfer.model.settings import ScoreSettings
from transfer.sequences import SequenceBatch
from transfer.terms.weights import TermBuffers


class SequentialRecommender(nn.Module):
    """A model whose scores are similarities of a user's state and an item's vector (Eq. 3).

    Args:
        items: computes item vectors.
        encoder: reads sequences.
        conditioner: passes interests to the encoder (see `transfer.model.conditioner`).
        score: cosine or dot, and its temperature.
        dim: width d.
    """

    def __init__(
        self,
        items: ItemTower,
        encoder: SequenceEncoder,
        conditioner: Conditioner,
        score: ScoreSettings,
        dim: int,
    ) -> None:
        super().__init__()
        self.items, self.encoder, self.conditioner = items, encoder, conditioner
        self.score = score
        self.input_scale = math.sqrt(dim)
        self.terms = TermBuffers()

    def embed(self, ids: list[Tensor]) -> list[Tensor]:
        """Return item vectors for several id tensors by one lookup. Each distinct item is computed once.

        Args:
            ids: int64 tensors of any shape.

        Returns:
            One tensor for each, with a last dimension d.
        """
        flat = torch.cat([part.reshape(-1) for part in ids])
        if self.items.is_table:
            vectors = self.items(flat)
        else:
            unique, inverse = torch.unique(flat, return_inverse=True)
            vectors = F.embedding(inverse, self.items(unique))
        parts = vectors.split([part.numel() for part in ids])
        return [part.view(*whole.shape, -1) for part, whole in zip(parts, ids, strict=True)]

    def states(self, embeds: Tensor, batch: SequenceBatch, interests: Interests | None) -> Tensor:
        """Return the states after every position.

        Args:
            embeds: (B, L, d) item vectors, right-padded.
            batch: users, positions and mask of the items.
            interests: interests of users or of positions, as the conditioner needs; None for the base model.

        Returns:
            (B, L, d).
        """
        visible = embeds * (self.input_scale * batch.mask[..., None])
        states: Tensor = self.conditioner(self.encoder, visible, batch, interests)
        return states

    def prepared_states(self, states: Tensor) -> Tensor:
        """Return states whose inner product with `prepared_items` is the score."""
        if self.score.similarity == "dot":
            return states
        return F.normalize(states, dim=-1) * self.score.temperature

    def prepared_items(self, vectors: Tensor) -> Tensor:
        """Return item vectors whose inner product with `prepared_states` is the score."""
        return vectors if self.score.similarity == "dot" else F.normalize(vectors, dim=-1)

    @torch.no_grad()
    def item_table(self) -> Tensor:
        """Return (I, d) prepared vectors of all items."""
        return self.prepared_items(self.items.all())
