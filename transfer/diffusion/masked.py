"""Masked S2IDM: discrete diffusion with an absorbing state (D3PM, Austin et al., 2021), the paper's alternative.

Each user and anchor has a binary variable: is the anchor among the user's interests? The forward process hides anchors
for good; at step t of T, a share t / T is hidden. The absorbing state is "unknown", because a missing anchor does not
mean dislike. The denoiser is the same as in the Gaussian model; its outputs are logits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from transfer.diffusion.denoiser import Denoiser
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings
from transfer.interests.forms import Interests, RawInterests


class MaskedS2IDM(S2IDM):
    """S2IDM whose noise hides anchors instead of changing weights.

    Args:
        anchors: number of anchors q.
        settings: steps, denoiser and training; the settings of Gaussian noise are ignored.
    """

    def __init__(self, anchors: int, settings: S2IDMSettings) -> None:
        super().__init__(anchors, settings)
        kept = 1.0 - torch.arange(1, settings.steps + 1, dtype=torch.float64) / settings.steps
        # Noise below this keeps an anchor. The trainer draws standard normal noise for both kinds of model.
        self.register_buffer("threshold", torch.special.ndtri(kept).float(), persistent=False)

    threshold: Tensor

    def loss(self, inputs: Tensor, targets: Tensor, steps: Tensor, noise: Tensor) -> Tensor:
        """Cross-entropy of the hidden anchors, weighted by 1 / t: the variational bound of this process.

        Args:
            inputs: (B, q) s'_0.
            targets: (B, q) x_0; an anchor with weight is present.
            steps: (B,) int64, 0 is the paper's t = 1.
            noise: (B, q) standard normal.

        Returns:
            (B,) mean over the q anchors.
        """
        visible = (inputs > 0) & (noise < self.threshold[steps][:, None])
        logits = self.denoiser(inputs * visible, steps)
        surprise = F.binary_cross_entropy_with_logits(logits, (targets > 0).to(logits), reduction="none")
        losses: Tensor = surprise.masked_fill(visible, 0.0).mean(dim=1) / (steps + 1)
        return losses

    @torch.no_grad()
    def diffuse(
        self,
        interests: csr_matrix,
        *,
        batch_size: int = 2048,
        dense_budget: int = 1 << 30,
        scratch: Path | None = None,
        done: Callable[[int], None] = lambda _: None,
    ) -> Interests:
        """Generalise s'_0 by the expected reverse process, which starts with all anchors visible.

        Args as for `S2IDM.diffuse`. `scratch` is unused: a result beyond `dense_budget` is computed on access.
        """
        raw = RawInterests(interests, self.denoiser.outer.weight.device)
        users = interests.shape[0]
        formed = MaskedInterests(self.denoiser, 1 if self.settings.objective == "next" else self.schedule.steps, raw)
        if users * raw.width * 4 <= dense_budget:
            everyone = torch.arange(users, device=raw.matrix.indptr.device)
            parts = []
            for part in everyone.split(batch_size):
                parts.append(formed.rows(part))
                done(len(part))
            formed.dense = torch.cat(parts)
        return formed


class MaskedInterests:
    """Interests after the reverse process of the masked model.

    Anchors in the user's history keep their weight. The weight of other anchors is the predicted probability times the
    user's mean weight.

    Args:
        denoiser: its outputs are logits of presence.
        steps: T.
        raw: s'_0.
    """

    def __init__(self, denoiser: Denoiser, steps: int, raw: RawInterests) -> None:
        self.denoiser, self.steps, self.raw, self.width = denoiser, steps, raw, raw.width
        self.dense: Tensor | None = None

    @torch.no_grad()
    def rows(self, users: Tensor) -> Tensor:
        """(B, q) float32."""
        if self.dense is not None:
            return self.dense[users].float()
        was_training = self.denoiser.training
        self.denoiser.eval()
        found = self._reverse(self.raw.rows(users))
        self.denoiser.train(was_training)
        return found

    def project(self, users: Tensor, weight: Tensor) -> Tensor:
        """(B, m), computed from the dense rows."""
        return F.linear(self.rows(users).to(weight.dtype), weight)

    def _reverse(self, original: Tensor) -> Tensor:
        """Run steps T to 1: at step t, a share 1 / t of the hidden anchors returns with the predicted probability."""
        known = original > 0
        usual = original.sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp_min(1)
        present = known.to(original)
        for step in reversed(range(self.steps)):
            state = torch.where(known, original, present * usual)
            steps = torch.full((len(state),), step, dtype=torch.int64, device=state.device)
            present = present + (1.0 - present) * torch.sigmoid(self.denoiser(state, steps)) / (step + 1)
        return torch.where(known, original, present * usual)


def make_s2idm(anchors: int, settings: S2IDMSettings) -> S2IDM:
    """Make a new model over q anchors, Gaussian or masked as the settings say."""
    return MaskedS2IDM(anchors, settings) if settings.kind == "masked" else S2IDM(anchors, settings)
