"""The interface of sequence encoders."""

from __future__ import annotations

from torch import Tensor, nn


class SequenceEncoder(nn.Module):
    """Base class of encoders. An encoder sees vectors only; prompts, items and losses are separate.

    Sequences are padded on the RIGHT, so that causal attention needs no mask. Encoders count positions from the END of
    the sequence, which gives every item the same position as the paper's left-padded layout.
    """

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """Compute the state at each position from this and earlier positions only.

        Args:
            inputs_embeds: (B, L, d) vectors of prompts and items.
            mask: (B, L) bool, True for positions within the sequence, False for padding.

        Returns:
            (B, L, d) states; ignore those of padding.
        """
        raise NotImplementedError
