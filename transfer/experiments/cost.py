"""Measure the cost of diffusion over items and over sememes by catalogue size (Table 3)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from scipy.sparse import csr_matrix

from recipes.experiment_schema import CostSettings
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.report.experiment_record import CostRow
from transfer.runtime import Runtime
from transfer.training.epochs import Log


def measure_cost(settings: CostSettings, runtime: Runtime, log: Log) -> Iterator[CostRow]:
    """Measure each model and catalogue size, one after the other, and yield a row for each.

    Args:
        settings: catalogue sizes and users.
        runtime: device.
        log: called after each epoch.
    """
    generator = np.random.default_rng(0)
    for items in settings.items:
        history = _history(settings, items, generator)
        titles = _rows(generator, items, settings.sememes, settings.sememes_an_item)
        sememes = (history @ titles).tocsr().astype(np.float32)
        for model, vectors in (("TI-DiffRec", history), ("S2IDM", sememes)):
            runtime.log(f"Cost of {model} over {items:,} items")
            yield _measure(model, items, vectors, runtime, log)


def _history(settings: CostSettings, items: int, generator: np.random.Generator) -> csr_matrix:
    return _rows(generator, settings.users, items, settings.history)


def _rows(generator: np.random.Generator, rows: int, columns: int, count: int) -> csr_matrix:
    """Return sparse rows with about `count` ones in random columns."""
    places = generator.integers(0, columns, rows * count)
    owner = np.repeat(np.arange(rows), count)
    return csr_matrix((np.ones(len(places), np.float32), (owner, places)), shape=(rows, columns))


def _measure(model: str, items: int, vectors: csr_matrix, runtime: Runtime, log: Log) -> CostRow:
    device = runtime.device
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    settings = S2IDMSettings(epochs=1)
    entries: list[dict[str, object]] = []
    s2idm = train_s2idm(
        [SourceInterests(name=model, inputs=vectors, targets=vectors)], settings, 0, runtime, entries.append
    )
    for entry in entries:
        log({"model": model, "items": items, **entry})
    began = time.perf_counter()
    _reverse_all(s2idm, vectors)
    if on_gpu:
        torch.cuda.synchronize(device)
    evaluated = time.perf_counter() - began
    parameters = sum(parameter.numel() for parameter in s2idm.parameters())
    memory = torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else parameters * 4 * 4 / 2**20
    trained = float(str(entries[-1]["seconds"]))
    return CostRow(
        model=model,
        items=items,
        width=vectors.shape[1],
        parameters_m=parameters / 1e6,
        memory_mb=memory,
        train_s=trained,
        evaluate_s=evaluated,
    )


def _reverse_all(s2idm: S2IDM, vectors: csr_matrix, block: int = 512) -> None:
    """Compute x_0 of every user in blocks, and discard it."""
    interests = s2idm.diffuse(vectors, dense_budget=0)
    for start in range(0, vectors.shape[0], block):
        users = torch.arange(start, min(start + block, vectors.shape[0]), device=s2idm.denoiser.outer.weight.device)
        interests.rows(users)
