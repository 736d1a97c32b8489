"""The seam through which interests reach a sequence encoder, and the model that has none."""

from __future__ import annotations

from torch import Tensor, nn

from transfer.encoders.encoder import SequenceEncoder
from transfer.interests.forms import Interests
from transfer.sequences import SequenceBatch


class Conditioner(nn.Module):
    """Base of every way in: runs an encoder over embedded sequences for given users."""

    def forward(
        self,
        encoder: SequenceEncoder,
        embeds: Tensor,
        batch: SequenceBatch,
        interests: Interests | None,
    ) -> Tensor:
        """(B, L, d) embedded items of a batch in, (B, L, d) states out.

        Raises:
            ValueError: there are no interests.
        """
        if interests is None:
            raise ValueError(f"{type(self).__name__} needs interests; use NoInterests for constant ones")
        return self.encoded(encoder, embeds, batch, interests)

    def encoded(self, encoder: SequenceEncoder, embeds: Tensor, batch: SequenceBatch, interests: Interests) -> Tensor:
        """What `forward` gives where there are interests."""
        raise NotImplementedError


class Unconditioned(Conditioner):
    """The base model: the encoder alone."""

    def forward(
        self,
        encoder: SequenceEncoder,
        embeds: Tensor,
        batch: SequenceBatch,
        interests: Interests | None,
    ) -> Tensor:
        """Encode, without looking at interests."""
        states: Tensor = encoder(embeds, batch.mask)
        return states
