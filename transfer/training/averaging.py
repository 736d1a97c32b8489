"""`WeightAverage`: the moving average of a model's weights, which generalises better than the last step's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

UPDATES = 16
"""Updates of the average per epoch: few enough to cost nothing beside the optimiser."""


class WeightAverage:
    """Exponential moving average of the weights that train: a <- a + (1 - m) (w - a).

    m = min(1 - 1 / (UPDATES * epochs), (1 + n) / (10 + n)) for the n-th update, so that the initial weights are soon
    forgotten.

    Args:
        model: its weights with a gradient are averaged.
        epochs: length of the average in epochs, greater than 0.
        steps: optimiser steps of an epoch.
    """

    def __init__(self, model: nn.Module, epochs: float, steps: int) -> None:
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.averages: list[Tensor] = [weight.detach().clone() for weight in self.weights]
        self.every = max(1, steps // UPDATES)
        self.most = max(0.0, 1 - 1 / (max(1, steps // self.every) * epochs))
        self.steps = self.updates = 0

    @torch.no_grad()
    def step(self) -> None:
        """Count an optimiser step; update the average if it is time."""
        self.steps += 1
        if self.steps % self.every == 0:
            self.updates += 1
            momentum = min(self.most, (1 + self.updates) / (10 + self.updates))
            torch._foreach_lerp_(self.averages, list[Tensor](self.weights), 1 - momentum)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model its averaged weights for a while."""
        kept = [weight.detach().clone() for weight in self.weights]
        _copy(self.averages, self.weights)
        try:
            yield
        finally:
            _copy(kept, self.weights)

    def state(self) -> dict[str, Tensor]:
        """Return the averages and the counts, by name."""
        counts = {"counts": torch.tensor([self.steps, self.updates])}
        return counts | {str(place): average for place, average in enumerate(self.averages)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""
        self.steps, self.updates = state["counts"].tolist()
        _copy([state[str(place)] for place in range(len(self.averages))], self.averages)


@torch.no_grad()
def _copy(values: Sequence[Tensor], into: Sequence[Tensor]) -> None:
    for target, value in zip(into, values, strict=True):
        target.copy_(value)
