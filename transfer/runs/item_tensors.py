"""The tensors of a target run's items, by their names in its file."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from transfer.items.features import ItemFeatures
from transfer.items.sentence_vectors import TitleSpace, Whitening
from transfer.runs.artifact_files import TensorFile


def item_tensors(anchors: csr_matrix, features: ItemFeatures) -> dict[str, Tensor]:
    """Return anchors and features of the items by name; see `read_items`."""
    tensors = {f"anchors.{part}": value for part, value in csr_parts(anchors).items()}
    if features.categories is not None:
        tensors |= {f"categories.{part}": value for part, value in csr_parts(features.categories).items()}
    for name in ("anchor_vectors", "title_vectors", "known"):
        vectors = getattr(features, name)
        if vectors is not None:
            tensors[name] = vectors
    if features.title_space is not None:
        parts = vars(features.title_space).items()
        tensors |= {f"title_space.{part}": value for part, value in parts if value is not None}
    if features.whitening is not None:
        tensors |= {f"whitening.{part}": value for part, value in vars(features.whitening).items()}
    return tensors


def csr_parts(matrix: csr_matrix) -> dict[str, Tensor]:
    """Return the arrays of a matrix and its number of columns."""
    return {
        "indptr": torch.from_numpy(matrix.indptr.astype(np.int64)),
        "indices": torch.from_numpy(matrix.indices.astype(np.int64)),
        "data": torch.from_numpy(matrix.data.astype(np.float32)),
        "columns": torch.tensor([matrix.shape[1]]),
    }


def read_items(file: TensorFile, items: int, anchors: int) -> tuple[csr_matrix, ItemFeatures]:
    """Read anchors and features of the items, each checked against the number of items and anchors."""
    matrix = file.csr("anchors", items, anchors)
    titles = file.maybe("title_vectors", items, None)
    width = None if titles is None else titles.shape[1]
    mean = file.maybe("whitening.mean", width)
    whitening = None if mean is None else Whitening(mean, file.take("whitening.matrix", len(mean), len(mean)))
    center = file.maybe("title_space.mean", width)
    features = ItemFeatures(
        count=items,
        anchors=matrix,
        anchor_vectors=file.maybe("anchor_vectors", items, None),
        title_vectors=titles,
        title_space=None if center is None else TitleSpace(center, file.maybe("title_space.basis", width, None)),
        categories=file.maybe_csr("categories", items),
        known=file.maybe("known", items, dtype=torch.bool),
        whitening=whitening,
    )
    return matrix, features
