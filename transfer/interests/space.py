"""Interests in the space of the anchors' sentence vectors, the same for every vocabulary: generators can move."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from recipes.settings import PromptSettings
from transfer.interests.forms import Interests
from transfer.items.whitening import Whitening

USERS_A_TIME = 8192


class VectorInterests:
    """The mean of the anchors' vectors under each user's interests, of length sqrt(s), so that an entry is about 1.

    Args:
        interests: over q anchors.
        users: how many rows they have.
        anchors: (q, s) vectors, each times the anchor's weight.
    """

    def __init__(self, interests: Interests, users: int, anchors: Tensor) -> None:
        self.width = anchors.shape[1]
        weight = anchors.t().contiguous()
        everyone = torch.arange(users, device=anchors.device)
        with torch.no_grad():
            means = torch.cat([interests.project(some, weight) for some in everyone.split(USERS_A_TIME)])
        self.table = F.normalize(means, dim=-1) * math.sqrt(self.width)

    def rows(self, users: Tensor) -> Tensor:
        """(B, s) of users (B,)."""
        return self.table[users]

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m) for a weight (m, s)."""
        return F.linear(self.table[users], weight)


def reading_vectors(
    prompts: PromptSettings, anchor_vectors: Tensor | None, idf: npt.NDArray[np.float32], whitening: float
) -> Tensor | None:
    """(q, s) by which interests become vectors: each anchor's sentence vector times its IDF.

    Args:
        prompts: whether prompts read vectors at all.
        anchor_vectors: (q, s) of the source artifact; None without a sentence encoder.
        idf: (q,).
        whitening: power with which they are whitened.

    Returns:
        None where prompts read the anchors themselves, or there are no vectors.
    """
    if prompts.reads == "anchors" or anchor_vectors is None:
        return None
    vectors = Whitening.learn(anchor_vectors, whitening)(anchor_vectors) if whitening else anchor_vectors
    return vectors * torch.from_numpy(idf).to(vectors)[:, None]
