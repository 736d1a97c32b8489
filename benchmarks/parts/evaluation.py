"""Full ranking against the bare matrix multiply of states and items, and what the sampled protocol adds."""

from __future__ import annotations

import torch

from benchmarks.models import CPU, sasrec, task
from benchmarks.options import Options
from benchmarks.synthetic import Size, synthetic_domain
from benchmarks.tables import Cell, Section
from benchmarks.timing import side_by_side
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.scoring import final_states, model_scores

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
    return [Section("Evaluation of every user on all items and on 999 negatives, d = 64", columns, rows, notes)]


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
