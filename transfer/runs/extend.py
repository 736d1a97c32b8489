"""A source artifact that goes on to learn: more anchors, everything learned so far kept."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from transfer.diffusion.make import make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings


@torch.no_grad()
def grown_s2idm(old: S2IDM, anchors: int, settings: S2IDMSettings, seed: int) -> S2IDM:
    """An S2IDM over more anchors that knows of the first ones what the old one knew.

    The new anchors' columns and rows are freshly initialised, so that interests in old anchors give the same hidden
    states as before.

    Args:
        old: over the first anchors.
        anchors: how many there are now, at least as many.
        settings: of the training to come; hidden width and timestep embedding stay the old one's.
        seed: of what is new.
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


def grown_weights(old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Old weights in the shapes of new ones: of tables the first rows stay, anything else is taken as it is.

    Anchors are only ever added; positions are counted from the end, so that the first ones are those of a shorter
    encoder as well.

    Args:
        old: weights by name.
        new: freshly initialised weights of the model to be.

    Returns:
        weights with the names and shapes of `new`.
    """
    grown = {}
    for name, fresh in new.items():
        known = old.get(name)
        if known is None or known.shape[1:] != fresh.shape[1:] or len(known.shape) != len(fresh.shape):
            grown[name] = fresh
        elif fresh.dim() == 0:
            grown[name] = known
        else:
            grown[name] = torch.cat([known[: len(fresh)], fresh[len(known) :]])
    return grown
