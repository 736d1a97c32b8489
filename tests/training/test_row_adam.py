"""Adam by rows moves tables as Adam does, and its state is that of Adam."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from transfer.training.row_adam import RowAdam

ROWS, BETAS = 40, (0.9, 0.98)
SLACK = 1e-5


def model(seed=0):
    torch.manual_seed(seed)
    return nn.ModuleDict({"table": nn.Embedding(ROWS, 3), "map": nn.Linear(3, 1, bias=False)})


def train(parts, optimiser, steps, first=0):
    """Read few rows a step, some of them twice, some only once in a hundred steps."""
    for number in range(first, first + steps):
        draws = torch.Generator().manual_seed(number)
        rows = (torch.rand(6, generator=draws) ** 3 * ROWS).long()
        optimiser.zero_grad()
        # Gradients that do not depend on the weights: Adam makes a whole step of a difference in rounding.
        ((parts["table"](rows) + parts["map"].weight) * torch.randn(6, 3, generator=draws)).sum().backward()
        optimiser.step()


def both(steps, **settings):
    dense, byrow = model(), model()
    adam = torch.optim.Adam(dense.parameters(), lr=0.01, betas=BETAS, fused=True)
    rows = RowAdam(byrow.parameters(), [byrow["table"]], lr=0.01, betas=BETAS)
    train(dense, adam, steps)
    with rows.training():
        train(byrow, rows, steps)
    return dense, adam, byrow, rows


@pytest.mark.parametrize("steps", [1, 7, 400])
def test_tables_move_as_with_adam(steps):
    dense, adam, byrow, rows = both(steps)
    for expected, found in zip(dense.parameters(), byrow.parameters(), strict=True):
        assert found.detach().numpy() == pytest.approx(expected.detach().numpy(), abs=SLACK)
    expected, found = adam.state_dict()["state"], rows.state_dict()["state"]
    assert {key: set(values) for key, values in found.items()} == {key: set(values) for key, values in expected.items()}
    for key, values in expected.items():
        for name, value in values.items():
            assert found[key][name].numpy() == pytest.approx(value.numpy(), abs=1e-6), (key, name)


def test_rows_move_without_gradients():
    before, after = model()["table"].weight, both(60)[2]["table"].weight
    moved = (before != after).all(dim=1)
    assert 0 < moved.sum() < ROWS, "rows that were never read stay"
    read_once = model()
    optimiser = RowAdam(read_once.parameters(), [read_once["table"]], lr=0.01, betas=BETAS)
    with optimiser.training():
        read_once["table"](torch.tensor([5])).sum().backward()
        optimiser.step()
        one = read_once["table"].weight[5].clone()
        for _ in range(3):
            optimiser.zero_grad()
            read_once["table"](torch.tensor([6])).sum().backward()
            optimiser.step()
        assert torch.equal(read_once["table"].weight[5], one), "it has not been read since"
        assert (read_once["table"](torch.tensor([5]))[0] < one).all(), "momentum goes on"


def test_a_training_goes_on_from_its_state():
    _, _, whole, _ = both(30)
    half = both(20)
    resumed = model(1)
    resumed.load_state_dict(half[2].state_dict())
    optimiser = RowAdam(resumed.parameters(), [resumed["table"]], lr=0.01, betas=BETAS)
    optimiser.load_state_dict(half[3].state_dict())
    with optimiser.training():
        train(resumed, optimiser, 10, first=20)
    for expected, found in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert found.detach().numpy() == pytest.approx(expected.detach().numpy(), abs=SLACK)
    plain = torch.optim.Adam(resumed.parameters(), lr=0.01, betas=BETAS)
    plain.load_state_dict(optimiser.state_dict())  # Adam takes the state as its own
    train(resumed, plain, 1, first=30)


def test_the_table_is_an_ordinary_one_afterwards():
    parts = both(3)[2]
    assert not parts["table"].sparse
    assert not parts["table"]._forward_pre_hooks
    parts["table"](torch.tensor([1])).sum().backward()
    assert not parts["table"].weight.grad.is_sparse


def test_without_tables_it_is_adam():
    dense, other = model(), model()
    train(dense, torch.optim.Adam(dense.parameters(), lr=0.01, betas=BETAS, weight_decay=0.1, fused=True), 20)
    optimiser = RowAdam(other.parameters(), [], lr=0.01, betas=BETAS, weight_decay=0.1)
    with optimiser.training():
        train(other, optimiser, 20)
    for expected, found in zip(dense.parameters(), other.parameters(), strict=True):
        assert torch.equal(expected, found)


@pytest.mark.parametrize("settings", [{"weight_decay": 0.1, "betas": BETAS}, {"betas": (0.99, 0.98)}])
def test_settings_under_which_rows_cannot_wait_are_refused(settings):
    parts = model()
    with pytest.raises(ValueError, match="cannot be left"):
        RowAdam(parts.parameters(), [parts["table"]], lr=0.01, **settings)
