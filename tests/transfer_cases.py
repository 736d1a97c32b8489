"""Small domains and settings that the tests of `transfer` share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import torch
from hypothesis import settings

from domains.domain import Domain, TimeKind
from transfer.evaluation.protocol import targets_of
from transfer.registry import Items, Target, find_system, system_settings, trained_system
from transfer.runtime import Runtime
from transfer.sequences import SequenceBatch

PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)
"""Properties are checked on the same examples in every run, however slow the machine is."""


def small_domain(
    histories: Sequence[Sequence[int]],
    times: Sequence[Sequence[int]] | None = None,
    *,
    n_items: int | None = None,
    kind: TimeKind = TimeKind.TIMESTAMP,
    repeats: bool = False,
    categories: Sequence[Sequence[str]] | None = None,
    titles: Sequence[str] | None = None,
    name: str = "small",
) -> Domain:
    """A domain with these item indices for histories; times count up where none are given."""
    lengths = [len(history) for history in histories]
    count = n_items or 1 + max((max(history, default=0) for history in histories), default=0)
    moments = [list(range(n)) for n in lengths] if times is None else times
    return Domain(
        name=name,
        item_ids=pa.array([f"i{i}" for i in range(count)], pa.large_string()),
        titles=pa.array(titles or [f"title {i}" for i in range(count)], pa.large_string()),
        categories=None if categories is None else pa.array(categories, pa.large_list(pa.large_string())),
        user_ids=pa.array([f"u{i}" for i in range(len(histories))], pa.large_string()),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=np.array([item for history in histories for item in history], dtype=np.int32),
        times=np.array([moment for row in moments for moment in row], dtype=np.int64),
        time_kind=kind,
        repeats=repeats,
    )


def random_histories(
    generator: np.random.Generator, users: int, items: int, low: int, high: int, repeats: bool = False
) -> list[list[int]]:
    """Histories of between `low` and `high` items, each item once a user unless repeats are asked for."""
    return [
        generator.choice(items, size=generator.integers(low, high + 1), replace=repeats).tolist() for _ in range(users)
    ]


def successor_histories(users: int, items: int, length: int, seed: int = 0) -> list[list[int]]:
    """Histories in which every item is followed by the next one, around a circle of items."""
    starts = np.random.default_rng(seed).integers(0, items, users)
    return [[int((start + step) % items) for step in range(length)] for start in starts]


def sequences(items: torch.Tensor, mask: torch.Tensor, users: torch.Tensor | None = None) -> SequenceBatch:
    """A batch; where it matters to nobody, the users are the rows and the positions count on."""
    rows = torch.arange(len(items)) if users is None else users
    return SequenceBatch(rows, items, mask, torch.arange(items.numel()).view(items.shape))


def make_encoder(settings, prompts=0, name="sasrec"):
    """The encoder of a trained system."""
    return trained_system(name).encoder(settings, prompts)


def rank_with(name, split, item_anchors, idf, stage="test", source=None, systems=None):
    """Scores of a baseline for the targets of a stage."""
    system = find_system(name)
    target = Target(split=split, items=Items(item_anchors, idf), source=source, runtime=Runtime())
    return system.fit(target, system_settings(system, systems or {}))(split.domain, targets_of(split, stage))
