"""What late terms know of a domain's items; what is missing gives nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags, identity
from torch import Tensor

from domains.split import Split
from transfer.evaluation.tiles import ItemMatrix
from transfer.items.sentence_vectors import TitleSpace
from transfer.sparse import unit_rows
from transfer.terms.counts import popularity
from transfer.terms.item_pairs import Follows, count_transitions, find_companions


@dataclass(frozen=True, eq=False)
class KnownItems:
    """A domain's items as late terms see them.

    Attributes:
        item_anchors: (I, q) item-sememe matrix.
        idf: (q,) float32.
        title_vectors: (I, s) unit rows, or None without a sentence encoder.
        device: of the scores.
        counts: (I,) training interactions of each item, NaN for one that nobody could meet; None where there are none
            or they say nothing of a target.
        follows: (I, I) counts of what follows what; None where there are none.
        title_space: in which title vectors are compared; None for the vectors as they are.
        companions: (I, I) cosines between the users of items; None where there are none.
    """

    item_anchors: csr_matrix
    idf: npt.NDArray[np.float32]
    title_vectors: Tensor | None
    device: torch.device
    counts: npt.NDArray[np.float32] | None = None
    follows: csr_matrix | None = None
    title_space: TitleSpace | None = None
    companions: csr_matrix | None = None

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
        """(I, q) the same, in rows of length 1."""
        return unit_rows(self.weighted_anchors)

    @cached_property
    def anchors(self) -> ItemMatrix:
        """The same, ready to be multiplied."""
        return ItemMatrix(self.unit_anchors.T.tocsr())

    @cached_property
    def identity(self) -> ItemMatrix:
        """(I, I) ones on the diagonal."""
        return ItemMatrix(identity(self.item_anchors.shape[0], dtype=np.float32, format="csr"))

    @cached_property
    def titles(self) -> Tensor | None:
        """(I, t) unit rows of title vectors on the device."""
        if self.title_vectors is None or self.title_space is None:
            return None if self.title_vectors is None else self.title_vectors.to(self.device)
        return self.title_space(self.title_vectors).to(self.device)

    @cached_property
    def popularity(self) -> Tensor | None:
        """(I,) log(1 + count), the largest 1; an item that nobody could meet is as popular as the others on average."""
        if self.counts is None:
            return None
        logs = torch.log1p(torch.from_numpy(self.counts).float().to(self.device))
        logs = torch.where(logs.isnan(), logs.nanmean(), logs)
        return logs / logs.max().clamp_min(1e-12)

    @cached_property
    def transitions(self) -> Follows | None:
        """What follows what, ready to be multiplied."""
        return None if self.follows is None or self.follows.nnz == 0 else Follows(self.follows)

    @cached_property
    def companion_items(self) -> ItemMatrix | None:
        """What items were had together, ready to be multiplied."""
        return None if self.companions is None or self.companions.nnz == 0 else ItemMatrix(self.companions)


def counts_of(split: Split, known: Tensor | None) -> npt.NDArray[np.float32]:
    """(I,) training interactions of each item, NaN for those that nobody could meet."""
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
    """What the training part of a split and the items' texts say; without training users nothing is counted."""
    trained = len(split.training_users) > 0
    return KnownItems(
        item_anchors,
        idf,
        title_vectors,
        device,
        counts_of(split, known) if trained else None,
        count_transitions(split) if trained else None,
        title_space,
        find_companions(split) if trained else None,
    )
