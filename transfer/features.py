"""What is known of a domain's items: anchors, categories, sentence vectors; computed once, and only what is needed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_matrix

from domains.domain import Domain
from domains.errors import InputError
from recipes.settings import Channel
from transfer.items import ItemFeatures


def category_matrix(domain: Domain) -> csr_matrix:
    """(I, c) float32 item-category matrix; categories are numbered alphabetically.

    Raises:
        InputError: the domain has no categories.
    """
    if domain.categories is None:
        raise InputError(
            "this domain has no categories",
            place=domain.name,
            mend="Leave the channel 'categories' out, or map a column to it",
        )
    lengths = np.diff(domain.categories.offsets.to_numpy())
    flat = domain.categories.flatten().dictionary_encode()
    names = flat.dictionary.to_pylist()
    rank = np.argsort(np.argsort(np.array(names, dtype=object))) if names else np.empty(0, np.int64)
    columns = rank[flat.indices.to_numpy(zero_copy_only=False)] if len(flat) else np.empty(0, np.int64)
    rows = np.repeat(np.arange(domain.n_items), lengths)
    matrix = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, columns)), shape=(domain.n_items, max(1, len(names)))
    )
    matrix.data[:] = 1.0
    return matrix


def item_features(domain: Domain, anchors: csr_matrix, channels: Iterable[Channel]) -> ItemFeatures:
    """Features for a set of channels.

    Args:
        domain: whose items they are.
        anchors: (I, q) item-sememe matrix.
        channels: what will be asked for.
    """
    wanted = set(channels)
    return ItemFeatures(
        count=domain.n_items,
        anchors=anchors if "anchors" in wanted else None,
        categories=category_matrix(domain) if "categories" in wanted else None,
    )
