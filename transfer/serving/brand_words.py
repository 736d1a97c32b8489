"""Anchors that are names of brands. They are used to compare items, but reasons do not mention them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from domains.domain import Domain
from vocab.item_texts import item_texts
from vocab.vocabulary import SememeVocabulary

BRAND = "brand"
"""Name of the text field with brands, makers or stores."""
MOSTLY = 0.5
"""An anchor is a brand word if the brand of at least this share of its items contains it. So a single brand called Old
Garden does not turn "garden" into one."""


def brand_words(domain: Domain, vocabulary: SememeVocabulary, item_anchors: csr_matrix) -> npt.NDArray[np.bool_]:
    """Return (q,) bool: which anchors mostly occur in the brands of their items.

    Args:
        domain: the domain; without the field `BRAND`, there are no brand words.
        vocabulary: q anchors.
        item_anchors: (I, q) anchors of the domain's items.
    """
    lists = domain.texts.get(BRAND)
    if lists is None or not len(pc.list_flatten(lists)):
        return np.zeros(item_anchors.shape[1], dtype=bool)
    flat = pc.list_flatten(lists).dictionary_encode()
    owners = pc.list_parent_indices(lists).to_numpy()
    names = flat.dictionary
    each = pa.LargeListArray.from_arrays(pa.array(np.arange(len(names) + 1)), names.cast(pa.large_string()))
    whole = vocabulary.encode(item_texts({BRAND: each}, [BRAND])).matrix
    parts = vocabulary.encode(item_texts({"title": names}, ["title"])).matrix
    codes = flat.indices.to_numpy(zero_copy_only=False)
    brands = csr_matrix((np.ones(len(codes), np.float32), (owners, codes)), shape=(domain.n_items, len(names)))
    branded = item_anchors.astype(bool).multiply((brands @ (whole + parts)).astype(bool))
    items = np.asarray(item_anchors.astype(bool).sum(axis=0)).ravel()
    mine = np.asarray(branded.sum(axis=0)).ravel()
    return (items > 0) & (mine >= MOSTLY * items)
