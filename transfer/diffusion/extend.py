"""Extend trained weights to a vocabulary with more anchors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from transfer.diffusion.masked import make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings


@torch.no_grad()
def extended_s2idm(old: S2IDM, anchors: int, settings: S2IDMSettings, seed: int) -> S2IDM:
    """Return an S2IDM over more anchors, with the weights of the old one for the first anchors.

    The new anchors' columns and rows are freshly initialised, so that the denoiser turns interests in old anchors into
    the same hidden state as before.

    Args:
        old: S2IDM over the first anchors.
        anchors: new number of anchors, at least the old one.
        settings: settings of the next training; hidden width and timestep embedding are kept.
        seed: seed of new weights.
    """
    kept = {"kind": old.settings.kind, "hidden": old.settings.hidden, "time_embedding": old.settings.time_embedding}
    torch.manual_seed(seed)
    new = make_s2idm(anchors, settings.model_copy(update=kept))
    before, after, count = old.denoiser, new.denoiser, old.anchors
    after.time.load_state_dict(before.time.state_dict())
    after.inner.weight[:, :count] = before.inner.weight[:, :count]
    after.inner.weight[:, anchors:] = before.inner.weight[:, count:]
    after.inner.bias.copy_(before.inner.bias)
    after.outer.weight[:count] = before.outer.weight
    after.outer.bias[:count] = before.outer.bias
    return new


def extended_weights(old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy old weights into new shapes: the first rows of tables, and everything else unchanged.

    This is valid because anchors are only appended, and positions are counted from the end of the sequence.

    Args:
        old: weights by name.
        new: initial weights of the new model.

    Returns:
        Weights with the names and shapes of `new`.
    """
    grown = {}
    for name, fresh in new.items():
        known = old.get(name)
        if known is None or known.shape[1:] != fresh.shape[1:] or len(known.shape) != len(fresh.shape):
            grown[name] = fresh
        elif fresh.dim() == 0:
            grown[name] = known
        else:
            grown[name] = torch.cat([known[: len(fresh)].to(fresh.device), fresh[len(known) :]])
    return grown
