"""Sparse rows: take rows of a CSR matrix as tensors without a loop, and normalise rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from domains.domain import Ints


@dataclass(frozen=True, eq=False)
class Rows:
    """Ragged rows of a sparse matrix: row r holds `columns[offsets[r]:offsets[r + 1]]` (the last one, to the end).

    Attributes:
        columns: (nnz,) int64.
        values: (nnz,) float32.
        offsets: (B,) int64.
        lengths: (B,) int64.
        width: number of columns of the matrix.
    """

    columns: Tensor
    values: Tensor
    offsets: Tensor
    lengths: Tensor
    width: int

    def dense(self) -> Tensor:
        """(B, width) float32."""
        out = torch.zeros(len(self.offsets), self.width, dtype=self.values.dtype, device=self.values.device)
        row = torch.repeat_interleave(torch.arange(len(self.offsets), device=self.offsets.device), self.lengths)
        out[row, self.columns] = self.values
        return out


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A CSR matrix on a device, with fast access to rows.

    Attributes:
        indptr: (R + 1,) int64.
        columns: (nnz,) int64.
        values: (nnz,) float32.
        width: number of columns.
    """

    indptr: Tensor
    columns: Tensor
    values: Tensor
    width: int

    @classmethod
    def from_csr(cls, matrix: csr_matrix, device: torch.device | str = "cpu") -> SparseRows:
        """Copy a SciPy matrix to a device."""
        return cls(
            torch.as_tensor(matrix.indptr, dtype=torch.int64, device=device),
            torch.as_tensor(matrix.indices, dtype=torch.int64, device=device),
            torch.as_tensor(matrix.data, dtype=torch.float32, device=device),
            matrix.shape[1],
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def take(self, rows: Tensor) -> Rows:
        """Return the given rows (B,) int64, in that order."""
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        offsets = torch.cumsum(lengths, 0) - lengths
        position = torch.arange(int(lengths.sum()), device=rows.device) + torch.repeat_interleave(
            starts - offsets, lengths
        )
        return Rows(self.columns[position], self.values[position], offsets, lengths, self.width)


def columns_of(matrix: csr_matrix, row: int) -> npt.NDArray[np.int32]:
    """Return the columns (n,) of the entries of one row, much faster than `matrix[row].indices`."""
    found: npt.NDArray[np.int32] = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
    return found


def unit_rows(matrix: csr_matrix) -> csr_matrix:
    """Divide each row by its Euclidean length; zero rows stay zero."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel())
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    return (diags(scale) @ matrix).tocsr()


def in_order(matrix: csr_matrix) -> csr_matrix:
    """Return a matrix with the columns of each row in ascending order, each once; duplicates are added."""
    if matrix.has_canonical_format:
        return matrix
    ordered = matrix.copy()
    ordered.sum_duplicates()
    return ordered


def values_at(matrix: csr_matrix, rows: Ints, columns: Ints) -> npt.NDArray[np.float32]:
    """Return (m,) the entries of a matrix at pairs of rows and columns (m,), by bisection of all rows at once.

    `matrix[rows, columns]` reads the whole matrix first, to see whether it is sorted.

    Args:
        matrix: as `in_order` returns it.
        rows: in [0, R).
        columns: in [0, C).
    """
    if not matrix.nnz:
        return np.zeros(len(rows), np.float32)
    starts, ends, last = matrix.indptr[rows], matrix.indptr[rows + 1], matrix.nnz - 1
    wanted = columns.astype(matrix.indices.dtype)  # comparing two types of integers costs a copy
    before = starts - 1  # the last entry known to be left of the column
    step = 1 << int((ends - starts).max(initial=0)).bit_length() >> 1
    while step:
        further = before + step
        is_left = matrix.indices[np.minimum(further, last)] < wanted
        is_left &= further < ends
        before += step * is_left
        step >>= 1
    place = before + 1
    there = place < ends
    place = np.minimum(place, last)
    there &= matrix.indices[place] == wanted
    found: npt.NDArray[np.float32] = np.where(there, matrix.data[place], 0).astype(np.float32)
    return found
