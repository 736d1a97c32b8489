"""`RowAdam`: Adam that updates the rows of large embedding tables only when they are read.

A step touches a few thousand rows. Adam would move all the others too, because their momentum goes on without a
gradient, and with many items that takes most of the time. After k steps without a gradient, the moments of a row are
m b1^k and v b2^k, and with r = b1 / sqrt(b2) it has moved by

    - lr m / (sqrt(v) + eps) * sum_{j=1..k} r^j c(t + j),    c(t) = sqrt(1 - b2^t) / (1 - b1^t)

which is added at once when the row is next read. Only eps enters in another place than in Adam. The sum is
H(t) - r^k H(t + k), where H(t) = sum_{j>=1} r^j c(t + j).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

ROWS_AT_ONCE = 1 << 16
"""Number of rows that are brought up to date at once."""
BLOCK = 4096
"""Number of steps for which H is computed at once."""
TAIL = 2048
"""Steps after which r^j is 0 in double precision for the usual betas."""


class RowAdam(torch.optim.Adam):
    """Adam, with the rows of some tables updated when they are read. Its state is that of Adam.

    Args:
        parameters: all parameters, the weights of the tables among them.
        tables: embeddings whose rows are updated when they are read; none gives Adam itself.
        lr: learning rate; may change between trainings.
        betas: decay of the moments; the first one must be below the root of the second.
        weight_decay: of the parameters outside the tables; must be 0 with tables.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        tables: Iterable[nn.Embedding],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
        self.tables = tuple(tables)
        if self.tables and (weight_decay or betas[0] >= betas[1] ** 0.5):
            raise ValueError("rows without gradients cannot be left: they decay, or their momentum does not fade")
        self._sums = torch.empty(0)
        self._steps: dict[Tensor, int] = dict.fromkeys((table.weight for table in self.tables), 0)
        self._updated = {
            weight: torch.zeros(len(weight), dtype=torch.int64, device=weight.device) for weight in self._steps
        }

    @contextmanager
    def training(self) -> Iterator[None]:
        """Within the block only `forward` of a table may read it; afterwards all rows are up to date."""
        handles = [table.register_forward_pre_hook(self._before_reading) for table in self.tables]
        for table in self.tables:
            table.sparse = True
        try:
            yield
        finally:
            for table, handle in zip(self.tables, handles, strict=True):
                handle.remove()
                table.sparse = False
                self._move(table.weight, torch.arange(len(table.weight), device=table.weight.device))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state that was taken outside `training`."""
        super().load_state_dict(state_dict)
        for weight, updated in self._updated.items():
            self._steps[weight] = int(self.state[weight]["step"]) if weight in self.state else 0
            updated.fill_(self._steps[weight])

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update all parameters that have gradients."""
        gradients = {}
        for weight in self._steps:
            gradients[weight], weight.grad = weight.grad, None
        super().step(closure)
        for weight, gradient in gradients.items():
            if gradient is not None:
                self._step_rows(weight, gradient.coalesce())

    def _before_reading(self, table: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        if not isinstance(table, nn.Embedding):
            raise TypeError("only embeddings are tables")
        weight, rows = table.weight, arguments[0].reshape(-1)
        behind = rows[self._updated[weight][rows] < self._steps[weight]]
        self._move(weight, torch.unique(behind))

    def _moments(self, weight: Tensor) -> dict[str, Tensor]:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        return state

    @torch.no_grad()
    def _move(self, weight: Tensor, rows: Tensor) -> None:
        """Make up for the steps without a gradient that some rows, (n,) without repetition, have missed."""
        now, updated = self._steps[weight], self._updated[weight]
        rows = rows[updated[rows] < now]
        for some in rows.split(ROWS_AT_ONCE) if len(rows) else ():
            group, state = self.param_groups[0], self._moments(weight)
            (b1, b2), since = group["betas"], updated[some]
            missed, sums = (now - since).double(), self._tails(now)
            travelled = sums[since] - (b1 / b2**0.5) ** missed * sums[now]
            first, second = state["exp_avg"][some], state["exp_avg_sq"][some]
            pace = first / second.sqrt().add_(group["eps"])
            weight.index_add_(0, some, pace.mul_((-group["lr"] * travelled).to(weight.dtype)[:, None]))
            state["exp_avg"].index_copy_(0, some, first.mul_((b1**missed).to(weight.dtype)[:, None]))
            state["exp_avg_sq"].index_copy_(0, some, second.mul_((b2**missed).to(weight.dtype)[:, None]))
            updated[some] = now

    def _step_rows(self, weight: Tensor, gradient: Tensor) -> None:
        """Make one step of Adam with the rows of a sparse gradient, which reading them has brought up to date."""
        group, state = self.param_groups[0], self._moments(weight)
        (b1, b2), rows, values = group["betas"], gradient.indices()[0], gradient.values()
        state["step"] += 1
        self._steps[weight] = now = self._steps[weight] + 1
        first = state["exp_avg"][rows].lerp_(values, 1 - b1)
        second = state["exp_avg_sq"][rows].mul_(b2).addcmul_(values, values, value=1 - b2)
        state["exp_avg"].index_copy_(0, rows, first)
        state["exp_avg_sq"].index_copy_(0, rows, second)
        scale = second.sqrt_().div_((1 - b2**now) ** 0.5).add_(group["eps"])
        weight.index_add_(0, rows, first.div_(scale), alpha=-group["lr"] / (1 - b1**now))
        self._updated[weight][rows] = now

    def _tails(self, now: int) -> Tensor:
        """Return (t,) float64, H of every step up to now."""
        if len(self._sums) <= now:
            b1, b2 = self.param_groups[0]["betas"]
            steps = np.arange(now + BLOCK + TAIL + 1, dtype=np.float64)
            with np.errstate(divide="ignore", invalid="ignore"):
                corrections = np.sqrt(1 - b2**steps) / (1 - b1**steps)
            ratio = b1 / b2**0.5
            sums = np.empty_like(steps)
            sums[-1] = ratio / (1 - ratio)
            for place in range(len(steps) - 2, -1, -1):
                sums[place] = ratio * (corrections[place + 1] + sums[place + 1])
            self._sums = torch.from_numpy(sums[: now + BLOCK + 1]).to(self.tables[0].weight.device)
        return self._sums
