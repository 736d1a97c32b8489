"""Whitening: against its definition, and at its edges."""

from __future__ import annotations

import torch

from transfer.items.sentence_vectors import Whitening


def skewed(count: int = 400, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    spread = torch.tensor([3.0, 1.0, 0.5, 0.2])
    return torch.nn.functional.normalize(torch.randn(count, 4, generator=generator) * spread + 2.0, dim=-1)


def test_full_whitening_leaves_the_identity_as_covariance() -> None:
    vectors = skewed()
    whitening = Whitening.learn(vectors, 1.0)
    flat = (vectors - whitening.mean) @ whitening.matrix
    covariance = flat.t() @ flat / len(flat)
    torch.testing.assert_close(covariance, torch.eye(4), atol=0.02, rtol=0)


def test_half_the_power_twice_is_the_whole() -> None:
    vectors = skewed()
    half, whole = Whitening.learn(vectors, 0.5), Whitening.learn(vectors, 1.0)
    torch.testing.assert_close(half.matrix @ half.matrix, whole.matrix, atol=1e-3, rtol=1e-4)


def test_rows_have_unit_length_and_rows_without_text_stay_zero() -> None:
    vectors = skewed()
    given = torch.cat([vectors[:3], torch.zeros(1, 4)])
    out = Whitening.learn(vectors, 0.5)(given)
    torch.testing.assert_close(out.norm(dim=1), torch.tensor([1.0, 1.0, 1.0, 0.0]))


def test_fewer_vectors_than_dimensions_and_equal_ones_give_numbers() -> None:
    for vectors in (skewed(2), skewed(1).repeat(3, 1)):
        assert torch.isfinite(Whitening.learn(vectors, 1.0)(skewed(5, seed=1))).all()


def test_undoing_gives_the_unit_rows_back():
    generator = torch.Generator().manual_seed(5)
    rows = torch.nn.functional.normalize(torch.randn(40, 8, generator=generator) + 0.7, dim=1)
    rows[3] = 0
    for power in (0.0, 0.5, 1.0):
        whitening = Whitening.learn(rows[10:], power)
        torch.testing.assert_close(whitening.undo(whitening(rows)), rows, atol=1e-4, rtol=0)
