"""The benchmark of a whole run counts what each step spends."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.models import CPU, sasrec
from benchmarks.parts.run import PRODUCTS, WIDTH, Clock, bar, operations_of
from benchmarks.pipeline import LENGTH, RECOMMENDED, recommend_all
from benchmarks.synthetic import Size, synthetic_domain
from domains.split import leave_one_out
from transfer.evaluation.protocol import targets_of
from transfer.model.scorer import model_scores
from transfer.runtime import Runtime


def test_a_clock_gives_each_step_what_it_spent():
    with FlopCounterMode(display=False) as counter:
        clock = Clock(read=counter.get_total_flops)
        runtime = Runtime(steps=clock)
        runtime.begin("first")
        torch.randn(3, 4) @ torch.randn(4, 5)
        runtime.begin("second")
        runtime.begin("first")
        torch.randn(2, 2) @ torch.randn(2, 2)
        runtime.begin("end")
    assert clock.spent == {"first": 2 * 3 * 4 * 5 + 2 * 2 * 2 * 2, "second": 0}


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
def test_a_sparse_product_counts_its_entries():
    dense, sparse = torch.randn(5, 2), torch.eye(5).to_sparse_csr()
    with FlopCounterMode(display=False, custom_mapping=dict.fromkeys(PRODUCTS, operations_of)) as counter:
        torch.mm(sparse, dense)
        assert counter.get_total_flops() == 2 * 5 * 2
        torch.addmm(torch.zeros(5, 2), sparse, dense)
        assert counter.get_total_flops() == 2 * (2 * 5 * 2)
        torch.mm(dense.T, dense)
    assert counter.get_total_flops() == 2 * (2 * 5 * 2) + 2 * 2 * 5 * 2


def test_bars_are_in_proportion():
    assert bar(10.0, 5.0, 10.0) == "█" * (WIDTH // 2) + "░" * (WIDTH // 2)
    assert bar(2.5, 0.0, 10.0) == "░" * (WIDTH // 4)
    assert bar(0.001, 0.0, 10.0) == "░"


def test_everybody_gets_the_best_items_without_those_of_the_history():
    domain = synthetic_domain(Size(users=40, items=60, words=50))
    model = sasrec(domain, LENGTH)
    found = recommend_all(model, domain)
    assert found["user"].to_list() == [user for user in range(40) for _ in range(RECOMMENDED)]
    everybody = targets_of(leave_one_out(domain), "test")
    assert len(everybody) == 40
    whole = replace(everybody, stops=domain.offsets[1:].copy(), excludes_seen=True)
    scores = model_scores(model, domain, whole, None, LENGTH, CPU)(torch.arange(40))
    for user in range(40):
        seen = set(domain.items[domain.offsets[user] : domain.offsets[user + 1]].tolist())
        order = [item for item in scores[user].argsort(descending=True).tolist() if item not in seen]
        assert found.filter(found["user"] == user)["item"].to_list() == order[:RECOMMENDED]
