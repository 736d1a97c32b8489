"""Makes the interests that a variant names, once for all variants and seeds that share them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain, Ints
from domains.split import Split
from recipes.settings import InterestSettings, PromptSettings
from transfer.diffusion.s2idm import S2IDM
from transfer.interests.forms import Interests, RawInterests
from transfer.interests.original import original_interests
from transfer.interests.space import VectorInterests
from transfer.interests.views import ConstantViews, InterestViews, NoViews, Views
from transfer.model.variants import Variant


class InterestFactory:
    """Interests of a target's users, from the frozen S2IDM of its sources.

    Args:
        domain: the target.
        item_anchors: (I, q).
        idf: (q,).
        s2idm: frozen.
        settings: how s'_0 is weighted; the source's own.
        device: of the interests.
        scratch: folder for interests that are too large for memory.
        vectors: (q, s) by which prompts read interests, or None where they read the anchors themselves.
    """

    def __init__(
        self, domain: Domain, item_anchors: csr_matrix, idf: npt.NDArray[np.float32], s2idm: S2IDM,
        settings: InterestSettings, device: torch.device, scratch: Path | None = None, vectors: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.domain, self.item_anchors, self.idf = domain, item_anchors, idf
        self.s2idm, self.settings, self.device = s2idm.to(device), settings, device
        self.scratch = scratch
        self.vectors = None if vectors is None else vectors.to(device)
        self._shared: dict[tuple[str, int], InterestViews] = {}

    @property
    def width(self) -> int:
        """What a prompt generator reads of a user: q anchors, or s entries of a vector."""
        return self.item_anchors.shape[1] if self.vectors is None else self.vectors.shape[1]

    def original(self, stops: Ints) -> csr_matrix:
        """(U, q) s'_0 of every user from what precedes the given flat positions (U,)."""
        starts = self.domain.offsets[:-1]
        return original_interests(self.domain, self.item_anchors, starts, stops, self.settings, self.idf)

    def raw(self, stops: Ints) -> Interests:
        """s'_0 as prompts read it."""
        return self._as_read(RawInterests(self.original(stops), self.device))

    def diffused(self, stops: Ints) -> Interests:
        """The generalised interests as prompts read them."""
        return self._as_read(self.s2idm.diffuse(self.original(stops), scratch=self.scratch))

    def _as_read(self, interests: Interests) -> Interests:
        return interests if self.vectors is None else VectorInterests(interests, self.domain.n_users, self.vectors)

    def views(self, variant: Variant, split: Split, prompts: PromptSettings, seed: int) -> Views:
        """What a variant may see at each stage; shared between variants and seeds wherever it is the same."""
        if variant.interests is None:
            return NoViews()
        if variant.interests == "constant":
            return ConstantViews(self.width)
        make = self.raw if variant.interests == "raw" else self.diffused
        shuffled = variant.interests == "shuffled"
        key = (variant.interests, seed if shuffled or prompts.sees == "prefix" else -1)
        if key not in self._shared:
            self._shared[key] = InterestViews(split, prompts.sees, make, seed, self.device, shuffled)
        return self._shared[key]
