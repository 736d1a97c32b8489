"""SASRec with details of the authors' release that the toolkit leaves out, to measure what each is worth."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from transfer.dropout import Dropout
from transfer.encoders.settings import EncoderSettings
from transfer.registry import Trained
from transfer.systems.sasrec import SASRec


class LeftPadded(SASRec):
    """Padding on the left up to the full length, attended to like items.

    A padded place is a zero vector plus its position. Prompts stand right before the first item, behind the padding.
    """

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """See `SequenceEncoder.forward`; sequences come and go padded on the right."""
        rows, length, dim = inputs_embeds.shape
        width = self.positions.num_embeddings
        places = width - mask.sum(dim=1, keepdim=True) + torch.arange(length, device=mask.device)
        users = torch.arange(rows, device=mask.device)[:, None].expand(rows, length)
        padded = inputs_embeds.new_zeros(rows, width, dim).index_put((users[mask], places[mask]), inputs_embeds[mask])
        states = super().forward(padded, mask.new_ones(rows, width))
        return states[users, places.clamp_max(width - 1)]


class UndroppedInput(SASRec):
    """No dropout on the sum of item and position, nor on prompts."""

    def __init__(self, settings: EncoderSettings, prompts: int = 0) -> None:
        super().__init__(settings, prompts)
        self.dropout = Dropout(0.0)


class TorchStart(SASRec):
    """Linear layers and positions start as those of torch do, in place of Xavier normal."""

    def __init__(self, settings: EncoderSettings, prompts: int = 0) -> None:
        super().__init__(settings, prompts)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.reset_parameters()


SASREC_LEFT = Trained(
    name="sasrec-left", summary="SASRec that attends to padding on the left", encoder=LeftPadded, family="sasrec"
)
SASREC_UNDROPPED = Trained(
    name="sasrec-undropped", summary="SASRec without dropout on its input", encoder=UndroppedInput, family="sasrec"
)
SASREC_TORCH_START = Trained(
    name="sasrec-torch-start", summary="SASRec that starts from torch's defaults", encoder=TorchStart, family="sasrec"
)
