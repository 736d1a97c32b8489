"""Where items that a run has never met would stand among those that it knows.

The score of an item without training lacks what training gives: its ID and its popularity. Compared directly it would
sink. So the known items are scored once more as if they were unknown too, and a new item gets the place that it has
among those. Resemblance of titles always counts here: an unknown item has little else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from transfer.runs.target_run import TargetRun
from transfer.terms.weights import TermWeights

SAID_OF_NEW = ("titles", "anchors", "popularity", "repeats")
"""Weights of terms that say something of a new item. All others count what users did with it, which is nothing."""


def as_unknown(run: TargetRun) -> TargetRun:
    """Return the run with every item as unknown as a new one: no IDs, the same popularity."""
    known = torch.zeros(run.domain.n_items, dtype=torch.bool)
    return replace(run, features=replace(run.features, known=known), counts=np.ones_like(run.counts))


def weights_of_unknown(weights: TermWeights) -> TermWeights:
    """Return the weights of the late terms for items without IDs: those of `SAID_OF_NEW` only.

    Titles count as much as anchors at least.
    """
    return replace(weights.only(SAID_OF_NEW), titles=max(weights.titles, weights.anchors, 1.0))


def places_among(new: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the place, 1 the first, of each new score (n,) in the list of the known scores (m,); ties halve."""
    ordered = np.sort(known)
    above = len(known) - np.searchsorted(ordered, new, side="right")
    ties = np.searchsorted(ordered, new, side="right") - np.searchsorted(ordered, new, side="left")
    places: npt.NDArray[np.int64] = 1 + above + ties // 2
    return places
