"""`KnownItems`: the texts and training counts of a domain's items, which late terms read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags, identity
from torch import Tensor

from domains.split import Split
from transfer.evaluation.tiles import ItemMatrix
from transfer.items.sentence_vectors import TitleSpace
from transfer.sparse import in_order, unit_rows
from transfer.terms.counts import popularity
from transfer.terms.item_pairs import Follows, count_transitions, find_companions
from transfer.terms.linear_items import find_taste
from transfer.terms.recent_items import RecentItems


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownItems:
    """Texts and training counts of a domain's items. Terms whose data are None are not computed.

    Attributes:
        item_anchors: (I, q) item-sememe matrix.
        idf: (q,) float32.
        title_vectors: (I, s) unit rows; None without a sentence encoder.
        device: device of the scores.
        counts: (I,) training interactions of each item, NaN for new items; None without training interactions.
        follows: (I, I) counts of transitions; None if there are none.
        title_space: transformation of title vectors before they are compared; None compares them unchanged.
        companions: (I, I) cosines between the users of items; None if there are none.
        taste: (I, I) weights of a linear item model; None if there are none.
        recent: levels of items at some moments; None without times or training users.
    """

    item_anchors: csr_matrix
    idf: npt.NDArray[np.float32]
    title_vectors: Tensor | None
    device: torch.device
    counts: npt.NDArray[np.float32] | None = None
    follows: csr_matrix | None = None
    title_space: TitleSpace | None = None
    companions: csr_matrix | None = None
    taste: csr_matrix | None = None
    recent: RecentItems | None = None
    _sums: dict[object, tuple[object, csr_matrix]] = field(default_factory=dict, repr=False)

    @property
    def count(self) -> int:
        """Number of items I."""
        return int(self.item_anchors.shape[0])

    @cached_property
    def weighted_anchors(self) -> csr_matrix:
        """(I, q) anchors times their IDF."""
        return (self.item_anchors @ diags(self.idf)).tocsr()

    @cached_property
    def unit_anchors(self) -> csr_matrix:
        """(I, q) weighted anchors with rows of length 1."""
        return unit_rows(self.weighted_anchors)

    @cached_property
    def anchors(self) -> ItemMatrix:
        """The unit anchors as an item matrix."""
        return ItemMatrix(self.unit_anchors.T.tocsr(), shared=True)

    @cached_property
    def identity(self) -> ItemMatrix:
        """(I, I) ones on the diagonal."""
        return ItemMatrix(identity(self.item_anchors.shape[0], dtype=np.float32, format="csr"))

    @cached_property
    def titles(self) -> Tensor | None:
        """(I, t) title vectors on the device, with rows of length 1."""
        if self.title_vectors is None or self.title_space is None:
            return None if self.title_vectors is None else self.title_vectors.to(self.device)
        return self.title_space(self.title_vectors).to(self.device)

    @cached_property
    def popularity(self) -> Tensor | None:
        """(I,) log(1 + count), scaled to a maximum of 1. New items get the average of the others."""
        if self.counts is None:
            return None
        logs = torch.log1p(torch.from_numpy(self.counts).float().to(self.device))
        logs = torch.where(logs.isnan(), logs.nanmean(), logs)
        return logs / logs.max().clamp_min(1e-12)

    @cached_property
    def recent_levels(self) -> Tensor | None:
        """(I, s) levels of `recent` on the device, the last column now. New items get the average of the others."""
        if self.recent is None:
            return None
        levels = torch.from_numpy(self.recent.levels).to(self.device)
        return torch.where(levels.isnan(), levels.nanmean(1, keepdim=True), levels).t()

    @cached_property
    def transitions(self) -> Follows | None:
        """The transitions as item matrices."""
        return None if self.follows is None or self.follows.nnz == 0 else Follows(self.follows)

    def summed(self, parts: Sequence[tuple[float, csr_matrix]]) -> csr_matrix:
        """Return a weighted sum of sparse matrices, in order; the last one is kept, for scores and reasons share it."""
        key = tuple((weight, id(matrix)) for weight, matrix in parts)
        if key not in self._sums:
            self._sums.clear()
            total = sum(weight * matrix for weight, matrix in parts)
            # The parts are kept as well: the id of a matrix that is gone may become that of another.
            self._sums[key] = (tuple(parts), in_order(total.tocsr()))
        return self._sums[key][1]

    @cached_property
    def companion_items(self) -> ItemMatrix | None:
        """The companions as an item matrix."""
        return _matrix_of(self.companions)

    @cached_property
    def taste_items(self) -> ItemMatrix | None:
        """The weights of the linear item model as an item matrix."""
        return _matrix_of(self.taste)


def _matrix_of(pairs: csr_matrix | None) -> ItemMatrix | None:
    """Return pairs of items as an item matrix, or None if there are none."""
    return None if pairs is None or pairs.nnz == 0 else ItemMatrix(pairs)


def counts_of(split: Split, known: Tensor | None) -> npt.NDArray[np.float32]:
    """Return (I,) training interactions of each item, NaN for new items."""
    counts = popularity(split)
    return counts if known is None else np.where(known.cpu().numpy(), counts, np.float32(np.nan))


def known_items(
    split: Split,
    item_anchors: csr_matrix,
    idf: npt.NDArray[np.float32],
    title_vectors: Tensor | None,
    known: Tensor | None,
    device: torch.device,
    title_space: TitleSpace | None = None,
) -> KnownItems:
    """Count the training part of a split and add the items' texts. Without training users all counts are None."""
    trained = len(split.training_users) > 0
    return KnownItems(
        item_anchors=item_anchors,
        idf=idf,
        title_vectors=title_vectors,
        device=device,
        counts=counts_of(split, known) if trained else None,
        follows=count_transitions(split) if trained else None,
        title_space=title_space,
        companions=find_companions(split) if trained else None,
        taste=find_taste(split, device) if trained else None,
        recent=RecentItems.of(split, known),
    )
