"""An epoch with prompts from diffused interests against one without, by number of anchors."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.models import CPU, sasrec, task
from benchmarks.options import Options
from benchmarks.synthetic import Size, synthetic_domain
from benchmarks.tables import Cell, Section
from benchmarks.timing import side_by_side
from domains.domain import Domain
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings
from transfer.interests.views import FixedViews, NoViews, TrainView
from transfer.model.conditioner import PromptGenerators
from transfer.model.settings import PromptSettings
from transfer.training.loop import Trainer

ANCHORS = (1_000, 5_000, 14_000)
KNOWN = 30
"""Anchors of a user before diffusion."""
PROMPTS = PromptSettings().count


def run(options: Options) -> list[Section]:
    """One row for each number of anchors; each form of the interests is a column."""
    size = Size(1_000, 1_000) if options.quick else Size(20_000, 12_000)
    domain = synthetic_domain(size)
    rows = [_measure(domain, anchors, options) for anchors in ((100,) if options.quick else ANCHORS)]
    columns = ["anchors q", "SASRec, s", "+ prompts, x_0 formed, s", "+ prompts, x_0 factored, s", "formed", "factored"]
    notes = [
        f"{size.users:,} users, {size.items:,} items, {PROMPTS} prompts with a gate, {KNOWN} anchors a user. x_0 is "
        "formed for all users before the first epoch if it fits into the budget of memory, and stays factored (hidden "
        "states and a read-out) otherwise. The last columns are times of SASRec's epoch.",
    ]
    return [Section("An epoch with prompts", columns, rows, notes)]


def _measure(domain: Domain, anchors: int, options: Options) -> list[Cell]:
    generator = np.random.default_rng(0)
    owner = np.repeat(np.arange(domain.n_users), KNOWN)
    known = (np.full(len(owner), 1 / KNOWN, np.float32), (owner, generator.integers(0, anchors, len(owner))))
    interests = csr_matrix(known, shape=(domain.n_users, anchors))
    model = S2IDM(anchors, S2IDMSettings()).eval()
    plain = Trainer(sasrec(domain, 50), task(domain, 50), NoViews(), title="plain", seed=0, log=lambda _: None)
    works = {"plain": partial(plain.train, TrainView(None), 1)}
    for form, budget in (("formed", 1 << 40), ("factored", 0)):
        views = FixedViews(model.diffuse(interests, dense_budget=budget))
        prompted = sasrec(domain, 50 + PROMPTS)  # prompts take places of the sequence
        prompted.conditioner = PromptGenerators(anchors, 64, PROMPTS, gated=True).to(CPU)
        trainer = Trainer(prompted, task(domain, 50), views, title=form, seed=0, log=lambda _: None)
        works[form] = partial(trainer.train, views.for_training(1), 1)
    took = side_by_side(works, options.repeats)
    times = [took[form] / took["plain"] for form in ("formed", "factored")]
    return [f"{anchors:,}", *took.values(), *(f"{ratio:.2f} x" for ratio in times)]
