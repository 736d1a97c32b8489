"""Full ranking against the bare matrix multiply of states and items, and what the sampled protocol adds."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from scipy.sparse import csr_matrix

from benchmarks.models import CPU, EVERY_TERM, WIDTH, made_up_titles, sasrec, task
from benchmarks.options import Options
from benchmarks.synthetic import Size, synthetic_domain
from benchmarks.tables import Cell, Section
from benchmarks.timing import side_by_side
from domains.domain import Domain
from domains.split import Split
from transfer.evaluation.protocol import Targets, targets_of
from transfer.evaluation.ranking import ScoreRows, rank
from transfer.evaluation.settings import EvaluationSettings
from transfer.items.sentence_vectors import TITLE_WIDTH, TitleSpace
from transfer.model.scorer import final_states, model_scores
from transfer.terms.joined import joined
from transfer.terms.known import KnownItems, known_items
from transfer.terms.weights import TermWeights

WORDS = 5_000
ANCHORS_AN_ITEM = 5
BLOCK = 128
"""Users a block of the bare multiply: the size at which it is fastest."""


def run(options: Options) -> list[Section]:
    """By number of items."""
    sizes = ((1_000, 2_000),) if options.quick else ((20_000, 5_000), (20_000, 20_000), (5_000, 200_000))
    rows = [_measure(users, items, options) for users, items in sizes]
    columns = [
        "users x items",
        "encode, s",
        "bare multiply, s",
        "multiply + full ranks, s",
        "ranks / multiply",
        "both protocols, s",
        "users/s, full",
        "users/s, both",
        "multiply, share of peak",
    ]
    notes = [
        "Users/s count everything: encoding the histories, scoring, both exclusion and ranks.",
        f"The bare multiply forms the scores of {BLOCK:,} users at a time in memory that is there already.",
    ]
    return [
        Section("Evaluation of every user on all items and on 999 negatives, d = 64", columns, rows, notes),
        _terms(options),
    ]


def _terms(options: Options) -> Section:
    """What late terms add to the ranking of a model."""
    sizes = ((1_000, 2_000),) if options.quick else ((20_000, 12_000), (5_000, 50_000))
    rows: list[list[Cell]] = []
    for users, items in sizes:
        domain = synthetic_domain(Size(users, items, words=WORDS))
        model, work = sasrec(domain, 50), task(domain, 50)
        targets = targets_of(work.split, "test")
        own = model_scores(model, domain, targets, None, 50, CPU)
        encode = partial(final_states, model, domain, targets, None, 50, CPU)
        known = _known(work.split)
        matching = TermWeights(titles=1.0, anchors=0.5, recency=0.5, popularity=0.1)
        weights = {
            "model": TermWeights(),
            "transitions": TermWeights(transitions=1.0, backward=0.2, onward=0.3),
            "together": TermWeights(together=1.0, taste=0.5, recency=0.5),
            "anchors": TermWeights(anchors=1.0, recency=0.5),
            "titles": TermWeights(titles=1.0, recency=0.5),
            "matching": matching,
            "all": EVERY_TERM,
        }
        ranked = {
            name: partial(_ranked, own, known, domain, targets, one, work.evaluation) for name, one in weights.items()
        }
        took = side_by_side({"encode": encode, **ranked}, options.repeats)
        once, ranks = took["encode"], took["all"] / took["model"]
        whole = (once + took["all"]) / (once + took["model"])
        rows.append([f"{users:,} x {items:,}", *took.values(), f"{ranks:.1f} x", f"{whole:.1f} x"])
    columns = [
        "users x items",
        "encode, s",
        "model, s",
        "+ transitions, s",
        "+ together, s",
        "+ anchors, s",
        "+ titles, s",
        "+ matching, s",
        "+ all terms, s",
        "all / model",
        "with encoding",
    ]
    note = f"Full ranking. Titles: {TITLE_WIDTH} of {WIDTH} directions. Anchors: {ANCHORS_AN_ITEM} an item."
    note += " With encoding: the same ratio if each also encodes the histories, as every evaluation must."
    return Section("Late terms beside a model, d = 64", columns, rows, [note])


def _ranked(
    own: ScoreRows,
    known: KnownItems,
    domain: Domain,
    targets: Targets,
    weights: TermWeights,
    settings: EvaluationSettings,
) -> None:
    rank(domain, targets, joined(own, known, domain, targets, weights), settings, CPU, sampled=False)


def _known(split: Split) -> KnownItems:
    """Random titles; anchors with Zipf's frequencies; transitions as counted."""
    items, generator = split.domain.n_items, np.random.default_rng(0)
    chances = 1 / np.arange(1, WORDS + 1)
    owner = np.repeat(np.arange(items), ANCHORS_AN_ITEM)
    words = generator.choice(WORDS, len(owner), p=chances / chances.sum())
    anchors = csr_matrix((np.ones(len(owner), np.float32), (owner, words)), shape=(items, WORDS))
    titles = made_up_titles(items)
    return known_items(
        split, anchors, np.ones(WORDS, np.float32), titles, None, CPU, TitleSpace.of(titles, narrow=True)
    )


@torch.no_grad()
def _measure(users: int, items: int, options: Options) -> list[Cell]:
    domain = synthetic_domain(Size(users, items, words=2_000))
    model, work = sasrec(domain, 200), task(domain, 200)
    targets = targets_of(work.split, "test")
    states = final_states(model, domain, targets, None, 200, CPU)
    table = model.item_table().t().contiguous()
    product = torch.empty(BLOCK, items)
    scores = model_scores(model, domain, targets, None, 200, CPU)

    def multiply() -> None:
        for block in states.split(BLOCK):
            torch.mm(block, table, out=product[: len(block)])

    took = side_by_side(
        {
            "encode": lambda: final_states(model, domain, targets, None, 200, CPU),
            "multiply": multiply,
            "full": lambda: rank(domain, targets, scores, work.evaluation, CPU, sampled=False),
            "both": lambda: rank(domain, targets, scores, work.evaluation, CPU),
        },
        options.repeats,
    )
    share = 2 * states.numel() * items / took["multiply"] / 1e9 / options.machine.gflops
    return [
        f"{users:,} x {items:,}",
        took["encode"],
        took["multiply"],
        took["full"],
        f"{took['full'] / took['multiply']:.2f} x",
        took["both"],
        users / (took["encode"] + took["full"]),
        users / (took["encode"] + took["both"]),
        f"{share:.0%}",
    ]
