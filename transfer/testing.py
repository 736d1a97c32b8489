"""Tests that every system must pass. Authors of plug-ins inherit them.

For example::

    from transfer.testing import SystemContract

    class TestMine(SystemContract):
        name = "mine"

pytest runs each method on a made-up target in which item i is always followed by item i + 1.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from domains.domain import Domain, TimeKind
from domains.errors import InputError
from domains.split import leave_one_out
from recipes.load import check_recipe
from recipes.schema import Recipe
from transfer.evaluation.protocol import targets_of
from transfer.registry import Baseline, Items, SourceKnowledge, Target, find_system, system_settings
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import Plan, plan_of
from transfer.runs.reevaluate import largest_gap, reevaluate
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime

USERS, ITEMS, LENGTH = 60, 12, 7
WORDS = ("dragon", "castle", "robot", "planet", "garden", "horse", "pirate", "winter", "music", "ocean", "tiger", "me")
SMALL: dict[str, Any] = {
    "unseen": None,
    "vocabulary": {"max_share": 1.0, "min_items": 1},
    "s2idm": {"hidden": 8, "epochs": 2, "batch_size": 16, "steps": 3},
    "encoder": {"dim": 16, "blocks": 1, "max_length": 10, "dropout": 0.0},
    "training": {"base_epochs": 40, "epochs": 1, "batch_size": 16, "learning_rate": 0.01},
    "evaluation": {"negatives": 5},
    "seeds": [0],
}
"""Settings under which a run takes seconds."""


def cycle(name: str = "cycle", swapped: bool = False) -> Domain:
    """Return users who start at different items and follow the order of the items in a cycle.

    Args:
        name: of the domain.
        swapped: exchange each user's two held-out interactions.
    """
    start = np.arange(USERS)[:, None] % ITEMS
    items = (start + np.arange(LENGTH)[None]) % ITEMS
    if swapped:
        items[:, -2:] = items[:, -2:][:, ::-1]
    return Domain(
        name=name,
        item_ids=pa.array([f"{name}{item}" for item in range(ITEMS)], pa.large_string()),
        titles=pa.array([f"{WORDS[item]} {WORDS[(item + 5) % ITEMS]}" for item in range(ITEMS)], pa.large_string()),
        categories=None,
        user_ids=pa.array([f"{name}-u{user}" for user in range(USERS)], pa.large_string()),
        offsets=np.arange(USERS + 1, dtype=np.int64) * LENGTH,
        items=items.reshape(-1).astype(np.int32),
        times=np.tile(np.arange(LENGTH, dtype=np.int64) * 86_400, USERS) + 1_500_000_000,
        time_kind=TimeKind.TIMESTAMP,
    )


class SystemContract:
    """Tests that every registered system passes.

    Attributes:
        name: of the system.
        settings: values under ``systems.NAME``.
        learns_order: whether it can learn the order of items; popularity and text cannot.
    """

    name: ClassVar[str] = ""
    settings: ClassVar[dict[str, Any]] = {}
    learns_order: ClassVar[bool] = True

    def recipe(self) -> Recipe:
        """Return a small recipe with the system as a variant. A trained system is added to a baseline."""
        variants = [self.name, "sasrec"] if isinstance(find_system(self.name), Baseline) else [self.name]
        return check_recipe({"sources": ["books"], **SMALL, "variants": variants, **self._systems()}, self.name)

    def _systems(self) -> dict[str, Any]:
        return {"systems": {self.name: self.settings}} if self.settings else {}

    def run(self) -> tuple[Plan, TargetRun]:
        """Return a run of the recipe on the cycle, made once per class."""
        return _cached_run(type(self))

    def test_it_is_registered_under_its_name_with_a_summary(self) -> None:
        """It has a name and a summary, which `transfer variants` shows."""
        system = find_system(self.name)
        assert system.name == self.name
        assert system.summary

    def test_it_learns_a_simple_cycle(self) -> None:
        """Systems that can learn order do; the others are no worse than chance."""
        _, run = self.run()
        hit = run.metrics.variants[self.name].test["full"]["hit@5"].mean
        assert hit > 0.8 if self.learns_order else 0 <= hit <= 1

    def test_it_is_deterministic(self) -> None:
        """The same seed gives the same figures."""
        _, run = self.run()
        _, again = _made_run(type(self))
        assert again.metrics.variants[self.name] == run.metrics.variants[self.name]

    def test_it_never_sees_what_is_held_out(self) -> None:
        """A system learns the same if the two held-out items of every user are exchanged."""
        system = find_system(self.name)
        if not isinstance(system, Baseline):
            pytest.skip("trained systems share the training loop, whose tests cover this")
        recipe = self.recipe()
        scores = []
        for domain in (cycle(), cycle(swapped=True)):
            plan = plan_of(recipe, [cycle("tapes")], domain)
            with TemporaryDirectory() as folder:
                source = source_from(plan, Path(folder), Runtime())
            split = leave_one_out(domain)
            anchors = source.vocabulary.encode(plan.texts[domain.name]).matrix
            knowledge = None if source.s2idm is None else SourceKnowledge(source.s2idm, source.interests)
            target = Target(
                split=split, items=Items(anchors, source.vocabulary.idf), source=knowledge, runtime=Runtime()
            )
            ranker = system.fit(target, system_settings(system, recipe.systems))
            # Both domains have the same histories before the validation targets.
            targets = targets_of(split, "validation")
            scores.append(ranker(domain, targets)(_rows(len(targets))).numpy())
        first, second = scores
        np.testing.assert_array_equal(first, second)

    def test_it_saves_and_loads_to_the_same_scores(self, tmp_path: Path) -> None:
        """An artifact repeats the figures of its run from its files alone."""
        plan, run = self.run()
        variant = next(variant for variant in plan.variants if variant.label == self.name)
        if run.variant != variant:
            pytest.skip("validation preferred another variant, and only that one is saved")
        run.write(tmp_path)
        back = TargetRun.read(tmp_path)
        assert largest_gap(back, reevaluate(back, Runtime())) < 1e-5

    def test_its_settings_are_checked(self) -> None:
        """An unknown setting is named."""
        with pytest.raises(InputError) as caught:
            system_settings(find_system(self.name), {self.name: {"no_such_setting": 1}})
        assert str(caught.value.location).startswith(f"systems.{self.name}")


def _rows(count: int) -> Any:
    import torch

    return torch.arange(count)


_RUNS: dict[type[SystemContract], tuple[Plan, TargetRun]] = {}


def _cached_run(contract: type[SystemContract]) -> tuple[Plan, TargetRun]:
    if contract not in _RUNS:
        _RUNS[contract] = _made_run(contract)
    return _RUNS[contract]


def _made_run(contract: type[SystemContract]) -> tuple[Plan, TargetRun]:
    plan = plan_of(contract().recipe(), [cycle("tapes")], cycle())
    with TemporaryDirectory() as folder:
        source = source_from(plan, Path(folder) / "source", Runtime())
        settled = plan.with_source(source)
        run = target_from(settled, source, Path(folder) / "target", Runtime())
    return settled, replace(run, folder=None)
