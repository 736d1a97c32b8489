"""Recommendations of a target run, with the anchors that speak for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from domains.domain import Domain, Ints, TimeKind
from domains.errors import InputError
from transfer.evaluation.protocol import Targets
from transfer.interests.forms import Interests
from transfer.model.interests import InterestFactory
from transfer.model.scoring import final_states
from transfer.runs.target_run import TargetRun
from transfer.serving.seeds import Seeds
from transfer.serving.titles import TitleIndex
from transfer.terms.matcher import MatchingWeights

Indices = npt.NDArray[np.integer]

SPOKEN = 3
"""Anchors named beside each recommendation."""


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item_id: of the target domain.
        title: of the item.
        score: similarity of the user's state and the item.
        anchors: the item's anchors that the user's history shares, the weightiest first.
    """

    item_id: str
    title: str
    score: float
    anchors: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class History:
    """A user's past items in a target domain: one user of a domain of their own.

    Attributes:
        domain: the target's items with this user's interactions alone.
    """

    domain: Domain

    @classmethod
    def of_user(cls, domain: Domain, user_id: str) -> History:
        """All interactions of a known user.

        Raises:
            InputError: nobody has this id.
        """
        found = np.flatnonzero(pa.compute.equal(domain.user_ids, user_id).to_numpy(zero_copy_only=False))
        if len(found) == 0:
            some = ", ".join(domain.user_ids[:3].to_pylist())
            raise InputError(f"no user has the id {user_id!r}", location="--user", hint=f"Ids look like {some}")
        start, stop = domain.offsets[found[0]], domain.offsets[found[0] + 1]
        return cls(_one_user(domain, domain.items[start:stop], domain.times[start:stop], domain.time_kind))

    @classmethod
    def of_titles(cls, domain: Domain, titles: Sequence[str]) -> History:
        """Items found by their titles, oldest first.

        Raises:
            InputError: a title is not in the domain, or nothing was given.
        """
        index = TitleIndex(domain.titles.to_pylist())
        return cls._found(domain, [index.find(title) for title in titles])

    @classmethod
    def of_text(cls, domain: Domain, text: str) -> History:
        """The same with titles between semicolons.

        Raises:
            InputError: as `of_titles`.
        """
        index = TitleIndex(domain.titles.to_pylist())
        return cls._found(domain, [index.find(title, text) for title in index.split(text)])

    @classmethod
    def _found(cls, domain: Domain, items: list[int]) -> History:
        if not items:
            raise InputError("the history is empty", location="--history", hint='Write --history "title; title"')
        return cls.of_items(domain, np.array(items, dtype=np.int64))

    @classmethod
    def of_items(cls, domain: Domain, items: Ints) -> History:
        """Given items, oldest first."""
        return cls(_one_user(domain, items, np.arange(len(items)), TimeKind.ORDER))

    @classmethod
    def of_seeds(cls, domain: Domain, seeds: Seeds) -> History:
        """The items that stand for somebody's interests; nobody has met them, so they are recommended as well."""
        return cls(replace(cls.of_items(domain, seeds.items).domain, repeats=True))


class Recommender:
    """Answers questions to a target run; the model is loaded once.

    Args:
        run: the target run.
    """

    def __init__(self, run: TargetRun) -> None:
        self.run = run
        self.model = run.model()
        self.table = self.model.item_table()
        self.matcher = run.matcher(torch.device("cpu"))

    def recommend(self, history: History, count: int = 10) -> list[Recommendation]:
        """The best items for a history.

        Args:
            history: past items; they are not recommended again unless the domain keeps repeats.
            count: how many.
        """
        domain = history.domain
        stop = np.array([domain.n_interactions], dtype=np.int64)
        user = np.zeros(1, dtype=np.int64)
        targets = Targets(user, stop, np.zeros(1, np.int64), np.zeros(1, np.int64), not domain.repeats)
        length = self.run.recipe.encoder.max_length
        device = torch.device("cpu")
        state = final_states(self.model, domain, targets, self._interests(domain, stop), length, device)

        def own(rows: torch.Tensor) -> torch.Tensor:
            return state[rows] @ self.table.t()

        weights = MatchingWeights.of(self.model.matching)
        scores = self.matcher.joined(own, domain, targets, weights)(torch.zeros(1).long())[0]
        if targets.excludes_seen:
            scores[torch.from_numpy(domain.items.astype(np.int64))] = -torch.inf
        best = torch.topk(scores, min(count, len(scores))).indices.numpy()
        best = best[np.isfinite(scores[best].numpy())]
        names, reasons = domain.titles_of(best), self._reasons(domain, best)
        ids = domain.item_ids.take(pa.array(best)).to_pylist()
        return [
            Recommendation(str(ids[i]), names[i], float(scores[int(item)]), reasons[i]) for i, item in enumerate(best)
        ]

    def _interests(self, domain: Domain, stop: Ints) -> Interests | None:
        """What the product's prompts are made from, for this one user."""
        variant, factory = self.run.variant, self._factory(domain)
        if variant.interests is None:
            return None
        by_position = variant.entry == "positions"
        return factory.made(
            variant.interests, factory.original_by_position() if by_position else factory.original(stop)
        )

    def _factory(self, domain: Domain) -> InterestFactory:
        return self.run.interest_factory(domain, torch.device("cpu"))

    def _reasons(self, domain: Domain, items: Ints) -> list[tuple[str, ...]]:
        """Anchors that history and item share, by the user's weight times IDF."""
        run = self.run
        stop = np.array([domain.n_interactions], dtype=np.int64)
        weight = self._factory(domain).original(stop).toarray()[0] * run.vocabulary.idf
        reasons = []
        for item in items:
            anchors = run.item_anchors[item].indices
            shared = sorted((a for a in anchors if weight[a] > 0), key=lambda a: -weight[a])
            reasons.append(tuple(run.vocabulary.words[a] for a in shared[:SPOKEN]))
        return reasons


def _one_user(domain: Domain, items: Indices, times: Indices, kind: TimeKind) -> Domain:
    return replace(
        domain,
        user_ids=pa.array(["this user"], pa.large_string()),
        offsets=np.array([0, len(items)], dtype=np.int64),
        items=np.ascontiguousarray(items, dtype=np.int32),
        times=np.ascontiguousarray(times, dtype=np.int64),
        time_kind=kind,
    )
