"""Anchors that S2IDM links to an anchor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import vstack

from domains.errors import InputError, RunError, suggest
from transfer.runs.target_run import TargetRun

COUNT = 15


@dataclass(frozen=True)
class Neighbour:
    """An anchor that diffusion raises.

    Attributes:
        anchor: the word.
        gain: its value after diffusion of an interest in the asked word, less its value after diffusion of no interest.
        items: of the target that have it.
    """

    anchor: str
    gain: float
    items: int


def anchor_neighbours(run: TargetRun, word: str, count: int = COUNT) -> list[Neighbour]:
    """Return the anchors that diffusion raises most for somebody with an interest in one word alone.

    Raises:
        InputError: the word stands for no anchor, or the run has no S2IDM.
    """
    if run.s2idm is None:
        raise RunError("this run has no S2IDM", location="anchors neighbours", hint="Adapt with a variant of S2IDM")
    unseen, vocabulary = run.unseen(), run.vocabulary
    wanted = vocabulary.encode([word]).matrix if unseen is None else unseen.apply([word])
    if wanted.nnz == 0:
        raise InputError(
            f"{word!r} stands for no anchor",
            location="anchors neighbours",
            hint=f"{suggest(word.lower(), vocabulary.words)}transfer inspect RUN lists frequent ones",
            code="unknown-anchor",
        )
    rows = vstack([wanted, wanted * 0], format="csr").astype(np.float32)
    after = run.s2idm.diffuse(rows).rows(torch.arange(2)).float().numpy()
    gain = after[0] - after[1]
    gain[wanted.indices] = -np.inf
    met = np.bincount(run.item_anchors.indices, minlength=len(vocabulary))
    best = np.argsort(-gain, kind="stable")[:count]
    return [Neighbour(vocabulary.words[i], float(gain[i]), int(met[i])) for i in best if gain[i] > 0]
