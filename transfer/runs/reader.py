"""The door for tensors of an artifact: a stranger may have made it, so nothing is used before it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from domains.errors import RunError
from transfer.files import MADE_AGAIN, read_tensors

MOST_COLUMNS = 10_000_000
"""Of a sparse matrix, whose width a file states in a number."""


@dataclass(frozen=True)
class TensorFile:
    """A safetensors file whose tensors are taken one by one, each with the shape, type and range it must have.

    Attributes:
        path: the file.
        tensors: everything in it.
        taken: names taken so far; `finish` refuses a file that holds more.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    taken: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            InputError: it is missing or not safetensors.
        """
        return cls(path, read_tensors(path))

    def refused(self, problem: str) -> RunError:
        """The error of a file that holds something wrong."""
        return RunError(problem, location=self.path, hint=MADE_AGAIN, code="run-damaged")

    def take(
        self,
        name: str,
        *shape: int | None,
        dtype: torch.dtype = torch.float32,
        low: float = -torch.inf,
        high: float = torch.inf,
        nan: bool = False,
    ) -> Tensor:
        """A tensor.

        Args:
            name: in the file.
            *shape: sizes that it must have; None for any.
            dtype: that it must have.
            low: no value is smaller.
            high: no value is larger.
            nan: whether NaN may occur; infinity never may.

        Raises:
            InputError: it is missing or differs from this.
        """
        if name not in self.tensors:
            raise self.refused(f"lacks {name}")
        tensor = self.tensors[name]
        fits = tensor.dim() == len(shape) and all(
            want is None or want == size for want, size in zip(shape, tensor.shape, strict=False)
        )
        if not fits or tensor.dtype != dtype:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise self.refused(
                f"{name} is {_kind(tensor.dtype)} of shape {tuple(tensor.shape)}, not {_kind(dtype)} ({wanted})"
            )
        if dtype.is_floating_point and not (~tensor.isinf() if nan else tensor.isfinite()).all():
            raise self.refused(f"{name} holds {'infinity' if nan else 'numbers that are not finite'}")
        bounded = low > -torch.inf or high < torch.inf
        values = tensor[~tensor.isnan()] if nan else tensor
        if bounded and values.numel() and not low <= float(values.min()) <= float(values.max()) <= high:
            raise self.refused(f"{name} holds values outside {low:g} to {high:g}")
        self.taken.add(name)
        return tensor

    def maybe(self, name: str, *shape: int | None, dtype: torch.dtype = torch.float32) -> Tensor | None:
        """A tensor that a file may lack; see `take`."""
        return self.take(name, *shape, dtype=dtype) if name in self.tensors else None

    def csr(self, name: str, rows: int, columns: int | None = None) -> csr_matrix:
        """A sparse matrix of weights in [0, 1] from its parts, whose indices are checked before SciPy sees them.

        Args:
            name: before the dot of the parts' names.
            rows: that it must have.
            columns: that it must have; None for any.

        Raises:
            InputError: a part is missing, or the parts contradict each other.
        """
        width = self.take(f"{name}.columns", 1, dtype=torch.int64, low=0, high=MOST_COLUMNS)
        if columns is not None and int(width) != columns:
            raise self.refused(f"{name} has {int(width)} columns, not {columns}")
        indices = self.take(f"{name}.indices", None, dtype=torch.int64, low=0, high=int(width) - 1)
        data = self.take(f"{name}.data", len(indices), low=0)
        indptr = self.take(f"{name}.indptr", rows + 1, dtype=torch.int64, low=0, high=len(indices)).numpy()
        if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
            raise self.refused(f"{name}.indptr does not rise from 0 to {len(indices)}")
        return csr_matrix((data.numpy(), indices.numpy(), indptr), shape=(rows, int(width)))

    def maybe_csr(self, name: str, rows: int) -> csr_matrix | None:
        """A sparse matrix that a file may lack; see `csr`."""
        return self.csr(name, rows) if any(key.startswith(f"{name}.") for key in self.tensors) else None

    def state(self, prefix: str, module: nn.Module) -> dict[str, Tensor]:
        """The weights of a module, without their prefix.

        Args:
            prefix: before the names of its weights.
            module: with weights of the right names, shapes and types; may be on the meta device, which costs nothing.

        Raises:
            InputError: a weight is missing, does not fit the settings, or there is one more.
        """
        wanted = module.state_dict()
        try:
            found = {
                name: self.take(prefix + name, *like.shape, dtype=like.dtype) for name, like in sorted(wanted.items())
            }
        except RunError as error:
            raise self.refused(f"the weights do not fit the config: {error.problem}") from None
        self._refuse_more(key for key in self.tensors if key.startswith(prefix) and key[len(prefix) :] not in wanted)
        return found

    def finish(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            InputError: the file holds more than was taken.
        """
        self._refuse_more(self.tensors.keys() - self.taken)

    def _refuse_more(self, names: object) -> None:
        more = sorted(names)  # type: ignore[call-overload]
        if more:
            raise self.refused(f"holds {', '.join(more[:3])}, which these settings have no place for")


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
