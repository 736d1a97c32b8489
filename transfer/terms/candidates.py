"""Candidates for the top of each user's list, with the scores of every part: the data of the search for weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from domains.domain import Domain, Ints, spread
from transfer.evaluation.protocol import Targets, excluded_pairs
from transfer.evaluation.ranking import ScoreRows
from transfer.terms.known import KnownItems
from transfer.terms.late_terms import TERMS

RECENCIES = (0.9, 0.6, 0.4)
"""Recencies to try: an item's weight in a history is multiplied by it for every later item."""
MIDDLE = 0.6
"""Recency at which the spread of a part is measured."""
TOP = 40
"""Number of candidates that each part contributes for each user."""
LARGEST_PEAK = 3.0
"""Maximum size of a typical score other than 0, in spreads of its part; see `spread_of`."""
OWN = "own"
"""Name of the part with the model's own scores."""
_BLOCK = 256

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidates:
    """Candidates of some users, ordered by user.

    Attributes:
        features: (m,) float32 scores of the candidates, by part and recency. The recency is None for parts without one.
        user: (m,) int64, the user's row of each candidate, ascending.
        starts: (n,) int64, index of each user's first candidate.
        target: (n,) int64, index of each user's held-out item among the candidates.
        scale: spread of each part over the candidates; see `spread_of`.
    """

    features: Mapping[tuple[str, float | None], Floats]
    user: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    scale: Mapping[str, float]

    def feature(self, part: str, recency: float) -> Floats:
        """Return the scores of a part at a recency."""
        found = self.features.get((part, None))
        return self.features[part, recency] if found is None else found

    def gains(self, scores: Floats) -> npt.NDArray[np.float64]:
        """Return (n,) NDCG@10 of each user; ties count against the target."""
        above = np.add.reduceat(scores >= scores[self.target][self.user], self.starts, dtype=np.int32) - 1
        return np.where(above < 10, 1 / np.log2(above + 2.0), 0.0)

    def of_users(self, rows: Ints) -> Candidates:
        """Return the candidates of some users; a row may occur more than once. The scale stays that of all users."""
        lengths = np.diff(self.starts, append=len(self.user))[rows]
        user, place = spread(self.starts[rows], lengths)
        starts = np.cumsum(lengths) - lengths
        return replace(
            self,
            features={name: values[place] for name, values in self.features.items()},
            user=user,
            starts=starts,
            target=starts + (self.target - self.starts)[rows],
        )


def find_candidates(
    own: ScoreRows | None,
    known: KnownItems,
    domain: Domain,
    targets: Targets,
    terms: Sequence[str],
    done: Callable[[int], None] = lambda _: None,
) -> Candidates:
    """Collect for each user the best items of every part, and the held-out item.

    For any weights, the best items of the weighted sum are nearly always among the best items of one part.

    Args:
        own: scores of a model, or None.
        known: the items.
        domain: the interactions.
        targets: validation targets.
        terms: names of the late terms.
        done: called with the number of users after each block.
    """
    pieces: list[tuple[dict[tuple[str, float | None], Tensor], Tensor, Tensor]] = []
    everything = torch.arange(len(targets), device=known.device)
    flat = torch.from_numpy(domain.items.copy()).to(known.device)
    for rows in everything.split(_BLOCK):
        few = targets.only(rows.cpu().numpy())
        scores = _scores(own, rows, known, domain, few, terms)
        starts, barred, stops = (
            torch.from_numpy(part).to(known.device) for part in (domain.offsets[few.users], few.seen_starts, few.stops)
        )
        items = torch.from_numpy(few.items).to(known.device)
        had, excluded = excluded_pairs(flat, starts, stops), excluded_pairs(flat, barred, stops)
        chosen = _chosen(scores, had, excluded, items, domain.n_items)
        row, column = chosen.nonzero(as_tuple=True)
        values = {name: part[row, column].float().cpu() for name, part in scores.items()}
        pieces.append((values, (row + rows[0]).cpu(), (column == items[row]).cpu()))
        done(len(rows))
    names = pieces[0][0].keys() if pieces else ()
    features = {name: torch.cat([piece[0][name] for piece in pieces]).numpy() for name in names}
    user = torch.cat([piece[1] for piece in pieces]).numpy()
    target = np.flatnonzero(torch.cat([piece[2] for piece in pieces]).numpy())
    starts_ = np.searchsorted(user, np.arange(len(targets)))
    scale = {name: spread_of(values) for (name, recency), values in features.items() if recency in (None, MIDDLE)}
    return Candidates(features=features, user=user, starts=starts_, target=target, scale=scale)


def spread_of(scores: Floats) -> float:
    """Return the spread of a part's scores (m,): s / min(1, `LARGEST_PEAK` sqrt(p)).

    s is their standard deviation, and p the share of them that is not 0. Where few users train, transitions and the
    like are 0 for nearly all candidates, so that s is small; in units of s, one pair of interactions would outweigh
    everything else.
    """
    share = np.count_nonzero(scores) / max(len(scores), 1)
    return float(scores.std()) / min(1.0, LARGEST_PEAK * share**0.5) if share else 0.0


def _scores(
    own: ScoreRows | None, rows: Tensor, known: KnownItems, domain: Domain, targets: Targets, terms: Sequence[str]
) -> dict[tuple[str, float | None], Tensor]:
    """Return (B, I) scores of all items by part and recency."""
    here = torch.arange(len(targets), device=known.device)
    scores: dict[tuple[str, float | None], Tensor] = {} if own is None else {(OWN, None): own(rows).clone()}
    for name in terms:
        term = TERMS[name]
        for recency in RECENCIES if term.timed else (MIDDLE,):
            for part, values in term.parts(known, domain, targets, recency).items():
                scores[part, recency if term.timed else None] = values(here)
    return scores


def _chosen(
    scores: Mapping[tuple[str, float | None], Tensor],
    had: tuple[Tensor, Tensor],
    excluded: tuple[Tensor, Tensor],
    items: Tensor,
    n_items: int,
) -> Tensor:
    """Return (B, I) bool: the candidates of each user. They include some evenly spaced items that no part chose.

    Args:
        scores: (B, I) by part and recency.
        had: row and item of what the users had before; candidates too, unless excluded.
        excluded: row and item of what cannot be the target.
        items: (B,) the targets.
        n_items: I.
    """
    chosen = torch.zeros(len(items), n_items, dtype=torch.bool, device=items.device)
    chosen[:, torch.linspace(0, n_items - 1, min(TOP, n_items), device=items.device).long()] = True
    for (part, _), values in scores.items():
        if part == "repeats":
            continue
        if len(excluded[0]):
            values = values.clone()
            values[excluded] = -torch.inf
        chosen.scatter_(1, values.topk(min(TOP, values.shape[1]), dim=1, sorted=False).indices, value=True)
    chosen[had] = True
    chosen[excluded] = False
    chosen.scatter_(1, items[:, None], value=True)
    return chosen
