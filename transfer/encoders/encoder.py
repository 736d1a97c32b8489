"""The seam between what enters a sequence (items, prompts) and what reads it."""

from __future__ import annotations

from torch import Tensor, nn


class SequenceEncoder(nn.Module):
    """Base of all encoders. Prompts, items and losses live outside; an encoder sees vectors only.

    Sequences are padded on the RIGHT, so that causal attention needs no mask. Encoders with positions count them from
    the END of the sequence, which gives every item the position that it has in the paper's left-padded layout.
    """

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """States after each position, from that position and earlier ones only.

        Args:
            inputs_embeds: (B, L, d) vectors of prompts and items.
            mask: (B, L) bool, True for real positions; each row is True up to its length and False after it.

        Returns:
            (B, L, d) states; what stands at padded positions means nothing.
        """
        raise NotImplementedError
