"""Ranks of held-out items under both protocols, from blocks of scores that fit cache and memory budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from domains.domain import Domain
from transfer.evaluation.metrics import Ranks, means
from transfer.evaluation.protocol import Targets, count_below, excluded_pairs, negatives_a_target, sampled_negatives
from transfer.evaluation.settings import SCORES_MB, EvaluationSettings
from transfer.evaluation.tiles import InnerProducts, counts_below_targets, largest
from transfer.runtime import working_memory

ScoreRows = Callable[[Tensor], Tensor]
"""Returns the scores of all items for some rows of the targets: (B,) int64 -> (B, I)."""

PROTOCOLS = ("sampled", "full", "full_all")
"""Candidates: sampled negatives; all items but those that cannot be the target; all items."""

CACHE_BYTES = 32 << 20
"""Size of a block of scores on a CPU: the scores must still be in the cache when they are counted."""
FEWEST_ROWS = 32
"""Minimum number of rows of a block: with fewer, the item table would be read too often."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """Ranks of a model's targets; 0 is the top.

    Attributes:
        users: (n,) int64.
        sampled: (n,) int64, ranks among the sampled negatives.
        full: (n,) int64, ranks among the items that are not excluded.
        sampled_candidates: (n,) int64, number of candidates of `sampled`, with the target.
        full_candidates: (n,) int64, number of candidates of `full`.
        full_all: (n,) int64, ranks among all items, with those of the history; None if not computed.
        full_all_candidates: (n,) int64, number of candidates of `full_all`, or None.
        recommended: (n, K) int64, top items of the full ranking, padded with -1; None if not kept.
    """

    users: Ranks
    sampled: Ranks
    full: Ranks
    sampled_candidates: Ranks
    full_candidates: Ranks
    recommended: Ranks | None = None
    full_all: Ranks | None = None
    full_all_candidates: Ranks | None = None

    def metrics(self, cutoffs: tuple[int, ...]) -> dict[str, dict[str, float]]:
        """Return the means over users, by protocol and metric."""
        found = {
            "sampled": means(self.sampled, self.sampled_candidates, cutoffs),
            "full": means(self.full, self.full_candidates, cutoffs),
        }
        if self.full_all is not None and self.full_all_candidates is not None:
            found["full_all"] = means(self.full_all, self.full_all_candidates, cutoffs)
        return found

    def only(self, keep: Ranks) -> Ranking:
        """Return the ranks of some rows."""
        top = None if self.recommended is None else self.recommended[keep]
        whole = None if self.full_all is None else self.full_all[keep]
        candidates = None if self.full_all_candidates is None else self.full_all_candidates[keep]
        return Ranking(
            users=self.users[keep],
            sampled=self.sampled[keep],
            full=self.full[keep],
            sampled_candidates=self.sampled_candidates[keep],
            full_candidates=self.full_candidates[keep],
            recommended=top,
            full_all=whole,
            full_all_candidates=candidates,
        )


@torch.no_grad()
def rank(
    domain: Domain,
    targets: Targets,
    score_rows: ScoreRows,
    settings: EvaluationSettings,
    device: torch.device,
    *,
    top: int = 0,
    sampled: bool = True,
    ranked: Callable[[int], None] = lambda _: None,
    memory: int | None = None,
) -> Ranking:
    """Rank every target under both protocols in one pass over the scores.

    Args:
        domain: domain whose items are ranked.
        targets: held-out items.
        score_rows: returns the scores of all items for rows of `targets`.
        settings: number of negatives, and seed.
        device: device of the scores.
        top: number of recommended items to keep for each user.
        sampled: whether to rank among sampled negatives too.
        ranked: called with the number of rows after each block.
        memory: size of a block of scores in bytes; default: `SCORES_MB`, or less if `$TRANSFER_MEMORY_MB` is lower.

    Returns:
        The ranks, in the order of `targets`. Ties and NaN scores count against the target.
    """
    count = len(targets)
    products = score_rows if isinstance(score_rows, InnerProducts) else None
    if sampled or top or device.type != "cpu":
        products = None  # top-K and sampling need all scores of a row at once; a GPU gains nothing from tiles
    block = (
        products.size.users
        if products
        else _rows_a_block(domain.n_items, device, working_memory(SCORES_MB) if memory is None else memory)
    )
    items = torch.from_numpy(targets.items).to(device)
    flat = torch.from_numpy(domain.items.copy()).to(device)
    starts = torch.from_numpy(targets.seen_starts).to(device)
    stops = torch.from_numpy(targets.stops).to(device)
    below = torch.empty(count, dtype=torch.int64, device=device)
    seen_above = torch.zeros(count, dtype=torch.int64, device=device)
    among = torch.empty(count, dtype=torch.int64, device=device)
    candidates = torch.empty(count, dtype=torch.int64, device=device)
    recommended = torch.empty(count, min(top, domain.n_items), dtype=torch.int64, device=device)
    # Sort rows by target, so that few tiles hold the targets of a block.
    order = torch.argsort(items, stable=True) if products else torch.arange(count, device=device)
    for first in _blocks(count, block, ranked):
        rows = order[first : first + block]
        owner, seen = excluded_pairs(flat, starts[rows], stops[rows])
        candidates[rows] = domain.n_items - torch.bincount(owner, minlength=len(rows))
        if products:
            below[rows] = counts_below_targets(products, rows, items[rows], owner, seen)
            continue
        scores = score_rows(rows)
        target = scores.gather(1, items[rows, None])
        target = torch.where(torch.isnan(target), -torch.inf, target)
        if sampled:
            drawn = sampled_negatives(targets.users[first : first + block], items[rows], domain.n_items, settings)
            among[rows] = drawn.shape[1] - (scores.gather(1, drawn) < target).sum(1)
        if len(owner):
            # In `full_all`, excluded items that do not score below the target rank above it.
            rivals = ~(scores[owner, seen] < target[owner, 0])
            seen_above[rows] = torch.bincount(owner[rivals], minlength=len(rows))
            scores[owner, seen] = -torch.inf
            scores.scatter_(1, items[rows, None], target)
        if top:
            values, places = largest(scores, recommended.shape[1])
            recommended[rows] = places.where(values > -torch.inf, -1)
        below[rows] = count_below(scores, target)
    # Count "not below" rather than "at least", so that NaN scores count against the target. Excluded items tie with a
    # target at -inf but are no candidates, so the rank is capped.
    full = (domain.n_items - 1 - below).minimum(candidates - 1)
    return Ranking(
        users=targets.users,
        sampled=among.cpu().numpy() if sampled else np.zeros(count, np.int64),
        full=full.cpu().numpy(),
        sampled_candidates=np.full(count, negatives_a_target(domain.n_items, settings) + 1, np.int64),
        full_candidates=candidates.cpu().numpy(),
        recommended=recommended.cpu().numpy() if top else None,
        full_all=(full + seen_above).cpu().numpy() if products is None else None,
        full_all_candidates=np.full(count, domain.n_items, np.int64) if products is None else None,
    )


def _blocks(count: int, block: int, done: Callable[[int], None]) -> Iterator[int]:
    """Yield the first row of each block; report the number of rows after each block."""
    for first in range(0, count, block):
        yield first
        done(min(block, count - first))


def _rows_a_block(n_items: int, device: torch.device, budget: int) -> int:
    """Return the number of rows of a block: scores and a copy fit the budget, and on a CPU also the cache."""
    if device.type == "cpu":
        budget = min(budget, max(CACHE_BYTES, FEWEST_ROWS * 8 * n_items))
    return max(1, min(1024, budget // (8 * n_items)))
