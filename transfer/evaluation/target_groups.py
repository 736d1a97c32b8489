"""Metrics by groups of test targets: same time as the previous item or not, similar title in the history or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from domains.domain import spread
from domains.split import Split
from domains.ties import tied_with_previous
from transfer.evaluation.protocol import Targets, targets_of
from transfer.evaluation.summary import SeedRankings, seed_values
from transfer.report.run_record import DIVISIONS, GroupName, TargetGroup
from vocab.text import cleaned, split_words

METRICS = ("full/ndcg@10", "full/hit@10")
ALIKE_FROM = 0.5
"""Minimum Jaccard index of the words of two similar titles."""
PAIRS_AT_ONCE = 1 << 20
"""Number of pairs of titles that are compared at once."""

Mask = npt.NDArray[np.bool_]


def target_groups(
    rankings: Mapping[str, SeedRankings], split: Split, cutoffs: tuple[int, ...]
) -> tuple[TargetGroup, ...]:
    """Return the mean metrics of each group of test targets, over seeds and users.

    Each division of the targets gives two groups, or none if one of them would be empty.

    Args:
        rankings: rankings of the test targets by variant, one for each seed.
        split: the held-out positions.
        cutoffs: values of k.
    """
    targets = targets_of(split, "test")
    values = {
        metric: {name: seed_values(of["test"], metric, cutoffs).mean(axis=0) for name, of in rankings.items()}
        for metric in METRICS
    }
    groups = []
    for name, mask in _divisions(split, targets):
        means = {metric: {one: float(of[mask].mean()) for one, of in found.items()} for metric, found in values.items()}
        groups.append(TargetGroup(name=name, users=int(mask.sum()), values=means))
    return tuple(groups)


def _divisions(split: Split, targets: Targets) -> Iterator[tuple[GroupName, Mask]]:
    """Yield names and (n,) masks of the groups, two for each division without an empty group."""
    untied = ~tied_with_previous(split.domain)[targets.stops]
    for (name, counterpart), mask in zip(DIVISIONS, (untied, resembles_history(split, targets)), strict=True):
        if mask.any() and not mask.all():
            yield name, mask
            yield counterpart, ~mask


def resembles_history(split: Split, targets: Targets, pairs_at_once: int = PAIRS_AT_ONCE) -> Mask:
    """Return (n,) bool: whether the title of a target is similar to a title of the history.

    Titles are similar if the Jaccard index of their sets of words is at least `ALIKE_FROM`; empty titles never are.
    """
    domain = split.domain
    words = title_words(domain.titles)
    sizes = np.diff(words.indptr)
    starts = split.starts[targets.users]
    lengths = targets.stops - starts
    alike = np.zeros(len(targets), dtype=bool)
    # Blocks of whole targets with about the same number of pairs of titles.
    block = np.cumsum(lengths) // pairs_at_once
    for rows in np.split(np.arange(len(targets)), np.flatnonzero(np.diff(block)) + 1):
        owner, position = spread(starts[rows], lengths[rows])
        target, before = targets.items[rows][owner], domain.items[position]
        shared = np.asarray(words[target].multiply(words[before]).sum(axis=1)).ravel()
        # Multiplying by the union avoids a division by zero for empty titles.
        union = sizes[target] + sizes[before] - shared
        alike[rows[owner[(shared > 0) & (shared >= ALIKE_FROM * union)]]] = True
    return alike


def title_words(titles: pa.Array) -> csr_matrix:
    """Return the (I, words) float32 matrix that has a 1 for each word of a title."""
    lists = split_words(cleaned(titles))
    owner = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    encoded = pc.list_flatten(lists).dictionary_encode()
    filled = pc.not_equal(encoded.dictionary, "").to_numpy(zero_copy_only=False)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    stays = filled[codes]
    shape = (len(titles), max(len(filled), 1))
    words = csr_matrix((np.ones(int(stays.sum()), np.float32), (owner[stays], codes[stays])), shape=shape)
    words.data[:] = 1.0  # a word that occurs twice in a title was counted twice
    return words
