"""`InterestFactory`: makes the interests of variants. Variants and seeds with equal interests share them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, vstack

from domains.domain import Domain, Ints
from domains.split import Split
from transfer.diffusion.s2idm import S2IDM
from transfer.interests.forms import Interests, NoInterests, PermutedInterests, RawInterests
from transfer.interests.original import original_interests
from transfer.interests.settings import InterestName, InterestSettings
from transfer.interests.views import FixedViews, InterestViews, NoViews, Views, other_users_positions
from transfer.model.settings import PromptSettings
from transfer.progress import Progress, Silent
from transfer.variants import Variant

SEEN_A_TIME = 1 << 24
"""Number of interactions read at once if each interaction has interests of its own."""


class InterestFactory:
    """Computes the interests of a target's users with the frozen S2IDM of its sources.

    Args:
        domain: the target.
        item_anchors: (I, q).
        idf: (q,).
        s2idm: the frozen S2IDM; None without sources.
        settings: weighting of s'_0, as in the source.
        device: device of the interests.
        scratch: folder for interests that are too large for memory.
        progress: shows the diffusion.
    """

    def __init__(
        self,
        *,
        domain: Domain,
        item_anchors: csr_matrix,
        idf: npt.NDArray[np.float32],
        s2idm: S2IDM | None,
        settings: InterestSettings,
        device: torch.device,
        scratch: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.domain, self.item_anchors, self.idf = domain, item_anchors, idf
        self.s2idm, self.settings, self.device = None if s2idm is None else s2idm.to(device), settings, device
        self.scratch = scratch
        self.progress: Progress = progress or Silent()
        self._shared: dict[tuple[bool, InterestName, int], Views] = {}
        self._in_use: WeakValueDictionary[tuple[bool, bytes], Interests] = WeakValueDictionary()

    @property
    def width(self) -> int:
        """Number of anchors q, the width of interests."""
        return int(self.item_anchors.shape[1])

    def original(self, stops: Ints) -> csr_matrix:
        """Return (U, q) s'_0 of every user, from the interactions before the given flat positions (U,)."""
        starts = self.domain.offsets[:-1]
        return original_interests(self.domain, self.item_anchors, starts, stops, self.settings, self.idf)

    def original_by_position(self, at_once: int = SEEN_A_TIME) -> csr_matrix:
        """Return (N, q) s'_0 at every interaction, from this and all earlier interactions.

        Args:
            at_once: number of interactions that are read at once.
        """
        offsets, count = self.domain.offsets, self.domain.n_interactions
        starts, stops = np.repeat(offsets[:-1], np.diff(offsets)), np.arange(1, count + 1, dtype=np.int64)
        seen = np.cumsum(stops - starts)
        ends = np.searchsorted(seen, np.arange(at_once, seen[-1] if count else 0, at_once))
        parts = [
            original_interests(self.domain, self.item_anchors, start, stop, self.settings, self.idf)
            for start, stop in zip(np.split(starts, ends), np.split(stops, ends), strict=True)
        ]
        return vstack(parts, format="csr")

    def made(self, kind: InterestName, original: csr_matrix) -> Interests:
        """Return constant, raw or diffused interests from s'_0 (n, q)."""
        if kind == "constant":
            return NoInterests(self.width)
        if kind == "raw":
            return RawInterests(original, self.device)
        if self.s2idm is None:
            raise ValueError(f"{kind} interests are diffused, and there is no S2IDM")
        with self.progress.task("Interests by S2IDM", original.shape[0]) as task:
            return self.s2idm.diffuse(original, scratch=self.scratch, done=task.advance)

    def _made_once(self, kind: InterestName, key: bytes, original: Callable[[], csr_matrix]) -> Interests:
        """Return interests. Those in use already, such as by another seed of `shuffled`, are not made again."""
        found = self._in_use.get((kind == "raw", key))
        if found is None:
            found = self._in_use[kind == "raw", key] = self.made(kind, original())
        return found

    def views(self, variant: Variant, split: Split, prompts: PromptSettings, seed: int) -> Views:
        """Return the interests that a variant sees at each stage; equal interests are shared."""
        kind = variant.interests
        if kind is None:
            return NoViews()
        of_a_seed = kind == "shuffled" or (variant.entry != "positions" and prompts.sees == "prefix")
        key = (variant.entry == "positions", kind, seed if of_a_seed else -1)
        if key not in self._shared:
            make = self._by_position if variant.entry == "positions" else self._by_user
            self._shared[key] = make(kind, split, prompts, seed)
        return self._shared[key]

    def _by_user(self, kind: InterestName, split: Split, prompts: PromptSettings, seed: int) -> Views:
        if kind == "constant":
            return FixedViews(NoInterests(self.width))

        def made(stops: Ints) -> Interests:
            return self._made_once(kind, hashlib.sha256(stops.tobytes()).digest(), lambda: self.original(stops))

        return InterestViews(
            split=split, sees=prompts.sees, make=made, seed=seed, device=self.device, shuffled=kind == "shuffled"
        )

    def _by_position(self, kind: InterestName, split: Split, prompts: PromptSettings, seed: int) -> Views:
        if kind == "constant":
            return FixedViews(NoInterests(self.width))
        interests = self._made_once(kind, b"positions", self.original_by_position)
        if kind == "shuffled":
            others = torch.from_numpy(other_users_positions(self.domain, seed)).to(self.device)
            interests = PermutedInterests(interests, others)
        return FixedViews(interests)
