"""Interests in place of a history: words to anchors to the items that they describe best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from domains.errors import InputError
from domains.nearest import suggest
from transfer.runs.target_run import TargetRun
from transfer.sparse import unit_rows

SEED_ITEMS = 5
"""Items that stand in for a history."""


@dataclass(frozen=True)
class Seeds:
    """What a person's words stand for.

    Attributes:
        anchors: that the words name or stand for.
        items: (n,) the items that the anchors describe best, the best last, as if met most recently.
    """

    anchors: tuple[str, ...]
    items: npt.NDArray[np.int64]


def seeds_of(run: TargetRun, words: Sequence[str]) -> Seeds:
    """Find the anchors of words, as of the words of titles, and the items nearest to all by IDF-weighted cosine.

    Args:
        run: a target run.
        words: as a person types them.

    Raises:
        InputError: there is no word, one names no anchor, or no item has any of them.
    """
    if not words:
        raise InputError("no interest was given", location="--interests", hint='Write --interests "word, word"')
    unseen = run.unseen()
    matrix = run.vocabulary.encode(list(words)).matrix if unseen is None else unseen.apply(list(words))
    for row, word in enumerate(words):
        if matrix[row].nnz == 0:
            near = suggest(word.strip().lower(), run.vocabulary.words)
            raise InputError(
                f"{word.strip()!r} names no anchor",
                location="--interests",
                hint=f"{near}transfer inspect RUN lists frequent ones",
            )
    idf = run.vocabulary.idf
    wanted = csr_matrix(matrix.sum(axis=0)).multiply(idf[None, :]).tocsr()
    items = unit_rows(run.item_anchors.multiply(idf[None, :]).tocsr())
    match = (items @ unit_rows(wanted).T).toarray()[:, 0]
    if match.max(initial=0.0) <= 0:
        raise InputError(
            "no item of this domain has any of these anchors", location="--interests", hint="Try other words"
        )
    best = np.argsort(-match, kind="stable")[:SEED_ITEMS]
    best = best[match[best] > 0]
    names = tuple(run.vocabulary.words[anchor] for anchor in np.unique(matrix.indices))
    return Seeds(names, best[::-1].astype(np.int64))
