"""Figures of groups of test targets: by the time of the item before, and by titles in the history."""

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
from transfer.report.run_record import GroupName, TargetGroup
from vocab.text import cleaned, split_words

METRICS = ("full/ndcg@10", "full/hit@10")
ALIKE_FROM = 0.5
"""Jaccard index of the words of two titles from which they resemble each other."""
PAIRS_AT_ONCE = 1 << 20

Mask = npt.NDArray[np.bool_]


def target_groups(
    rankings: Mapping[str, SeedRankings], split: Split, cutoffs: tuple[int, ...]
) -> tuple[TargetGroup, ...]:
    """Return the means of each group of test targets, over seeds and users.

    Each division that has targets on both sides gives two groups; one with a single side would repeat the whole.

    Args:
        rankings: variant -> rankings of the test targets, one a seed.
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
    """Yield (n,) masks of the targets, two of each division; nothing if one of them is empty."""
    tied = tied_with_previous(split.domain)[targets.stops]
    if tied.any() and not tied.all():
        yield "untied", ~tied
        yield "tied", tied
    alike = resembles_history(split, targets)
    if alike.any() and not alike.all():
        yield "title-alike", alike
        yield "title-new", ~alike


def resembles_history(split: Split, targets: Targets) -> Mask:
    """(n,) bool, whether the title of a target shares at least half of its words with a title of the history.

    The measure is the Jaccard index of the sets of words; an empty title resembles nothing.
    """
    domain = split.domain
    words = title_words(domain.titles)
    sizes = np.diff(words.indptr)
    starts = split.starts[targets.users]
    lengths = targets.stops - starts
    alike = np.zeros(len(targets), dtype=bool)
    # Blocks of whole targets, so that each holds about as many pairs of titles.
    block = np.cumsum(lengths) // PAIRS_AT_ONCE
    for rows in np.split(np.arange(len(targets)), np.flatnonzero(np.diff(block)) + 1):
        owner, position = spread(starts[rows], lengths[rows])
        target, before = targets.items[rows][owner], domain.items[position]
        shared = np.asarray(words[target].multiply(words[before]).sum(axis=1)).ravel()
        # Cross-multiplied, so that empty titles need no division.
        union = sizes[target] + sizes[before] - shared
        alike[rows[owner[(shared > 0) & (shared >= ALIKE_FROM * union)]]] = True
    return alike


def title_words(titles: pa.Array) -> csr_matrix:
    """(I, words) float32 matrix with 1 for each word of a title."""
    lists = split_words(cleaned(titles))
    owner = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    encoded = pc.list_flatten(lists).dictionary_encode()
    filled = pc.not_equal(encoded.dictionary, "").to_numpy(zero_copy_only=False)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    stays = filled[codes]
    shape = (len(titles), max(len(filled), 1))
    words = csr_matrix((np.ones(int(stays.sum()), np.float32), (owner[stays], codes[stays])), shape=shape)
    words.data[:] = 1.0  # a word that occurs twice was summed
    return words
