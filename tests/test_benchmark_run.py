"""The benchmark of a whole run counts what each step spends."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.parts.run import WIDTH, Clock, bar
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


def test_bars_are_in_proportion():
    assert bar(10.0, 5.0, 10.0) == "█" * (WIDTH // 2) + "░" * (WIDTH // 2)
    assert bar(2.5, 0.0, 10.0) == "░" * (WIDTH // 4)
    assert bar(0.001, 0.0, 10.0) == "░"
