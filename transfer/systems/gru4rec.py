"""GRU4Rec (Hidasi et al., 2016) as a sequence encoder."""

from __future__ import annotations

from torch import Tensor, nn

from transfer.dropout import Dropout
from transfer.encoders.encoder import SequenceEncoder
from transfer.encoders.settings import EncoderSettings
from transfer.registry import Trained


class GRU4Rec(SequenceEncoder):
    """A stack of gated recurrent units between dropout and a linear map. Prompts are its first inputs.

    Args:
        settings: width, layers (`blocks`) and dropout.
        prompts: unused; a recurrent encoder has no positions.
    """

    def __init__(self, settings: EncoderSettings, prompts: int = 0) -> None:
        super().__init__()
        self.dropout = Dropout(settings.dropout)
        between = settings.dropout if settings.blocks > 1 else 0.0
        self.recurrent = nn.GRU(settings.dim, settings.dim, settings.blocks, batch_first=True, dropout=between)
        self.out = nn.Linear(settings.dim, settings.dim)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

    def forward(self, inputs_embeds: Tensor, mask: Tensor) -> Tensor:
        """See `SequenceEncoder.forward`."""
        states, _ = self.recurrent(self.dropout(inputs_embeds))
        mapped: Tensor = self.out(states)
        return mapped


GRU4REC = Trained(name="gru4rec", summary="recurrent units over the history", encoder=GRU4Rec, family="gru4rec")
