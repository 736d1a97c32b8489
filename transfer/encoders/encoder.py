"""The seam between what enters a sequence (items, prompts) and what reads it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from torch import Tensor, nn

from domains.errors import InputError
from recipes.settings import EncoderSettings

ENTRY_POINTS = "transfer.encoders"
SASREC_NAMES = ("sasrec", "cl4srec", "pdrec")
"""Systems whose encoder is SASRec; the others differ from it in how they train (see `transfer.training.auxiliary`)."""


def encoder_kind(name: str) -> str:
    """The name of the architecture: systems that share one can take over each other's weights."""
    return "sasrec" if name in SASREC_NAMES else name


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


EncoderFactory = Callable[[EncoderSettings, int], SequenceEncoder]
"""Makes an encoder from its settings and the largest number of prompts it will be handed."""


def make_encoder(settings: EncoderSettings, prompts: int) -> SequenceEncoder:
    """The encoder that the settings name, built in or from an installed plug-in.

    Args:
        settings: `name` picks the encoder.
        prompts: positions to reserve for prompts.

    Raises:
        InputError: for a name that nobody registered.
    """
    factory = _built_in(settings.name) or _plugged_in(settings.name)
    if factory is None:
        known = ", ".join(
            sorted({*SASREC_NAMES, "gru4rec", *(point.name for point in entry_points(group=ENTRY_POINTS))})
        )
        raise InputError(f"no encoder is named {settings.name!r}", location="encoder.name", hint=f"Known: {known}")
    return factory(settings, prompts)


def _built_in(name: str) -> EncoderFactory | None:
    if name in SASREC_NAMES:
        from transfer.encoders.sasrec import SASRec

        return SASRec
    if name == "gru4rec":
        from transfer.encoders.gru4rec import GRU4Rec

        return GRU4Rec
    return None


def _plugged_in(name: str) -> EncoderFactory | None:
    for point in entry_points(group=ENTRY_POINTS, name=name):
        factory: EncoderFactory = point.load()
        return factory
    return None
