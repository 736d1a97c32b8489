"""What a long command says of its steps, and how it learns how long the rest takes."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from transfer.cli import output as show
from transfer.progress import PlannedStep, Steps


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def steps(clock: Clock) -> Steps:
    made = Steps(clock=clock)
    made.expect([PlannedStep("texts", 5, "text"), *(PlannedStep(name, 100, "training") for name in "abc")])
    return made


def test_nothing_is_said_before_the_first_step(steps):
    assert steps.position() == ""
    assert steps.left() == 305


def test_the_rest_is_scaled_by_what_was_measured_of_its_kind(steps, clock):
    steps.begin("texts")
    clock.now = 50
    steps.begin("a")
    assert steps.position() == "step 2 of 4, about 5 min left"
    clock.now = 70  # a took 20 s in place of 100
    steps.begin("b")
    assert steps.left() == pytest.approx(40)


def test_the_share_that_is_done_says_more_than_the_estimate(steps, clock):
    steps.begin("a")
    clock.now = 30
    assert steps.left(0.75) == pytest.approx(10 + 200)
    assert steps.left() == pytest.approx(70 + 200)


def test_what_was_finished_before_measures_nothing(steps, clock):
    steps.begin("a")
    clock.now = 0.01
    steps.begin("b")
    assert steps.left() == pytest.approx(200)


def test_a_step_that_nobody_planned_is_left_out(steps):
    steps.begin("a")
    steps.begin("z")
    assert steps.position().startswith("step 2 of 4")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_progress_takes_two_lines_and_cuts_nothing(width, steps, clock, monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(show, "ERR", Console(file=io.StringIO(), width=width, force_terminal=True))
    steps.begin("a")
    clock.now = 1000
    bar = show._Bar("sasrec+title-semantic · seed 42", 200)
    bar.advance(120, "loss 0.6123, NDCG@10 0.0431")
    Console(file=output, width=width).print(bar.lines(steps))
    lines = output.getvalue().splitlines()
    assert lines[0].rstrip() == "sasrec+title-semantic · seed 42: loss 0.6123, NDCG@10 0.0431"
    assert max(map(cell_len, lines)) <= width
    below = " ".join(" ".join(lines[1:]).replace("━", "").split())
    assert "120/200" in below
    assert "step 2 of 4, about" in below
    assert len(lines) == 2 or width < 80
