"""Compute the features of items that the channels need: anchors, categories, sentence vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from domains.errors import DataError
from transfer.items.sentence_vectors import Semantics, TitleSpace, Whitening, anchor_means
from transfer.items.settings import SEMANTIC_CHANNELS, Channel


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemFeatures:
    """Features of a domain's items. Features that no channel needs may be None.

    Attributes:
        count: number of items I.
        anchors: (I, q) item-sememe matrix, for ``anchors``.
        anchor_vectors: (I, s) IDF-weighted mean of the anchors' sentence vectors, unit rows, for ``anchors-semantic``.
        title_vectors: (I, s) sentence vectors of the titles, unit rows, for ``title-semantic``.
        categories: (I, c) item-category matrix, for ``categories``.
        known: (I,) bool, items in the training data; None for all. The ID channel is zero for other items.
        whitening: whitening of the sentence vectors, also for new items; None if not whitened.
        title_space: transformation of title vectors for late terms; None leaves them unchanged.
    """

    count: int
    anchors: csr_matrix | None = None
    anchor_vectors: Tensor | None = None
    title_vectors: Tensor | None = None
    categories: csr_matrix | None = None
    known: Tensor | None = None
    whitening: Whitening | None = None
    title_space: TitleSpace | None = None


def category_names(domain: Domain) -> pa.Array:
    """Return the (c,) names of a domain's categories, alphabetically.

    Raises:
        InputError: the domain has no categories.
    """
    return pc.unique(_categories(domain).flatten()).sort()


def category_matrix(domain: Domain, names: pa.Array | None = None) -> csr_matrix:
    """Build the (I, c) float32 item-category matrix.

    Args:
        domain: domain of the items.
        names: (c,) categories to use; default: all of the domain, alphabetically.

    Raises:
        InputError: the domain has no categories.
    """
    names = category_names(domain) if names is None else names
    categories = _categories(domain)
    lengths = pc.list_value_length(categories).to_numpy(zero_copy_only=False)
    found = pc.index_in(categories.flatten(), value_set=names)
    counts = found.is_valid().to_numpy(zero_copy_only=False)
    rows, columns = np.repeat(np.arange(domain.n_items), lengths)[counts], found.drop_null().to_numpy()
    matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(domain.n_items, max(1, len(names))))
    matrix.data[:] = 1.0
    return matrix


def _categories(domain: Domain) -> pa.Array:
    if domain.categories is None:
        raise DataError(
            "this domain has no categories",
            location=domain.name,
            hint="Remove the channel 'categories', or map a column to it",
            code="no-categories",
        )
    return domain.categories


def available(channels: Iterable[Channel], sentence_encoder: bool, anchor_vectors: bool) -> bool:
    """Whether the installed packages and the source artifact suffice for every channel."""
    wanted = set(channels)
    return ("title-semantic" not in wanted or sentence_encoder) and (not wanted & SEMANTIC_CHANNELS or anchor_vectors)


def item_features(
    *,
    domain: Domain,
    anchors: csr_matrix,
    idf: npt.NDArray[np.float32],
    channels: Iterable[Channel],
    anchor_vectors: Tensor | None,
    semantics: Semantics | None,
    whitening: float,
) -> ItemFeatures:
    """Compute the features of channels, which must be `available`.

    Args:
        domain: domain of the items.
        anchors: (I, q) item-sememe matrix.
        idf: (q,).
        channels: names of the channels.
        anchor_vectors: (q, s), sentence vectors of the source artifact's anchors.
        semantics: the sentence encoder.
        whitening: power of the whitening, which is learned from the anchors' vectors.
    """
    wanted = set(channels)
    by_anchor = by_title = whitened = None
    if wanted & SEMANTIC_CHANNELS and anchor_vectors is not None:
        whitened = Whitening.learn(anchor_vectors, whitening) if whitening else None
        if "anchors-semantic" in wanted:
            by_anchor = in_use(anchor_means(anchors, idf, anchor_vectors), whitened)
        if "title-semantic" in wanted and semantics is not None:
            by_title = in_use(semantics.titles(domain), whitened)
    return ItemFeatures(
        count=domain.n_items,
        anchors=anchors if "anchors" in wanted else None,
        categories=category_matrix(domain) if "categories" in wanted else None,
        anchor_vectors=by_anchor,
        title_vectors=by_title,
        whitening=whitened,
    )


def in_use(vectors: Tensor, whitening: Whitening | None) -> Tensor:
    """Prepare sentence vectors for a model."""
    return vectors if whitening is None else whitening(vectors)
