"""The moving average of a model's weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from transfer.training.averaging import WeightAverage


def walked(average, model, values):
    """Let the only weight take these values, one an optimiser step."""
    for value in values:
        with torch.no_grad():
            model.weight.fill_(value)
        average.step()


def averaged(average, model):
    with average.applied():
        return model.weight.item()


def a_model(start=0.0):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, start)
    return model


def test_it_is_the_exponential_average():
    model = a_model()
    average = WeightAverage(model, epochs=2, steps=16)
    values = [float(value) for value in range(1, 60)]
    walked(average, model, values)
    expected = 0.0
    for n, value in enumerate(values, 1):
        momentum = min(1 - 1 / 32, (1 + n) / (10 + n))
        expected = momentum * expected + (1 - momentum) * value
    assert averaged(average, model) == pytest.approx(expected, rel=1e-5)


def test_it_is_updated_sixteen_times_an_epoch():
    model = a_model()
    average = WeightAverage(model, epochs=2, steps=160)
    walked(average, model, [1.0] * 9)
    assert averaged(average, model) == 0
    walked(average, model, [1.0])
    assert averaged(average, model) == pytest.approx(1 - 2 / 11)


def test_the_model_goes_on_with_its_own_weights():
    model = a_model()
    average = WeightAverage(model, epochs=1, steps=4)
    walked(average, model, [1.0, 2.0])
    with average.applied():
        assert model.weight.item() != 2.0
    assert model.weight.item() == 2.0


def test_frozen_weights_are_left_alone():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    assert len(WeightAverage(model, epochs=1, steps=4).averages) == 1


def test_it_goes_on_from_its_state():
    model, values = a_model(), [1.0, 5.0, 2.0, 8.0, 3.0, 9.0]
    average = WeightAverage(model, epochs=1, steps=4)
    walked(average, model, values)
    other = a_model()
    first = WeightAverage(other, epochs=1, steps=4)
    walked(first, other, values[:3])
    state = {name: value.clone() for name, value in first.state().items()}
    again = WeightAverage(other, epochs=1, steps=4)
    again.restore(state)
    walked(again, other, values[3:])
    assert averaged(again, other) == averaged(average, model)
