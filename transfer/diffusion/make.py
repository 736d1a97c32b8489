"""Which S2IDM the settings name."""

from __future__ import annotations

from transfer.diffusion.discrete import MaskedS2IDM
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings


def make_s2idm(anchors: int, settings: S2IDMSettings) -> S2IDM:
    """A freshly initialised model over q anchors, Gaussian or masked."""
    return MaskedS2IDM(anchors, settings) if settings.kind == "masked" else S2IDM(anchors, settings)
