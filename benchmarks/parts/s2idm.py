"""S2IDM training against the machine's peak, and S2IDM on anchors against TI-DiffRec on items."""

from __future__ import annotations

from typing import Literal

import torch
from scipy import sparse

from benchmarks.options import MEMORY_LIMIT_GB, Options
from benchmarks.tables import Cell, Section
from benchmarks.timing import fastest
from transfer.diffusion.reverse import HiddenReverse, reverse_literal
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import HISTORY, UNIFORM, StepSampler, TrainingStep
from transfer.diffusion.settings import S2IDMSettings
from transfer.runtime import Runtime
from transfer.sparse import SparseRows

ANCHORS_A_USER = 30
INFERENCE_USERS = 256
ANCHORS = 8_000
FLOAT = 4
GIB = 2**30


def run(options: Options) -> list[Section]:
    """Two tables."""
    return [_training(options), _anchors_against_items(options)]


def _training(options: Options) -> Section:
    rows: list[list[Cell]] = []
    for width in (1_000,) if options.quick else (2_000, 8_000, 20_000):
        took, half = (_step_seconds(width, options.repeats, precision) for precision in ("float32", "bf16"))
        speed = step_operations(width) / took / 1e9
        rows.append(
            [
                f"{width:,}",
                took * 1e3,
                speed,
                f"{speed / options.machine.gflops:.0%}",
                half * 1e3,
                f"{took / half:.1f} x",
            ]
        )
    columns = ["anchors q", "training step, ms", "GFLOP/s", "share of matmul peak", "bf16, ms", "bf16 is faster"]
    settings = S2IDMSettings()
    note = (
        f"Batch {settings.batch_size}, h = {settings.hidden}; a whole step: draws, noise, dropout, forward, backward, "
        "AdamW, step sampler. Only matrix multiplies count as operations (10 q h a row)."
    )
    return Section("S2IDM training step", columns, rows, [note])


def _anchors_against_items(options: Options) -> Section:
    widths = (2_000, 4_000) if options.quick else (10_000, 30_000, 100_000, 300_000, 1_000_000)
    anchors = 1_000 if options.quick else ANCHORS
    rows = [_row(f"S2IDM, {anchors:,} anchors (any number of items)", anchors, options, hidden_space=True)]
    measured: dict[int, list[Cell]] = {}
    for width in widths:
        label = f"TI-DiffRec, {width:,} items"
        if _training_gib(width) <= MEMORY_LIMIT_GB / 2:
            measured[width] = _row(label, width, options, hidden_space=False)
            rows.append(measured[width])
        else:
            rows.append(_extrapolated(label, width, max(measured), measured[max(measured)]))
    columns = ["", "parameters, M", "memory of training, GiB", "training, ms a user", "inference, ms a user"]
    notes = [
        "TI-DiffRec is the same denoiser over items, run by the literal loop; S2IDM runs in hidden space.",
        f"Memory: weights, gradients, Adam's moments and one batch. Rows marked ~ would need more than "
        f"{MEMORY_LIMIT_GB // 2} GiB and are extrapolated in proportion from the last one measured.",
    ]
    return Section("S2IDM on anchors, TI-DiffRec on items", columns, rows, notes)


def step_operations(width: int) -> float:
    """Multiply-adds counted twice: forward 4 q h a row, backward 6 q h (no gradient of the input is needed)."""
    settings = S2IDMSettings()
    return 10.0 * width * settings.hidden * settings.batch_size


def _training_gib(width: int) -> float:
    settings = S2IDMSettings()
    return FLOAT * (4 * 2 * width * settings.hidden + 6 * settings.batch_size * width) / GIB


def _interests(users: int, width: int) -> sparse.csr_matrix:
    return sparse.random(users, width, ANCHORS_A_USER / width, "csr", dtype="float32", random_state=0)


def _step_seconds(width: int, repeats: int, precision: Literal["float32", "bf16"] = "float32") -> float:
    torch.manual_seed(0)
    settings, runtime = S2IDMSettings(precision=precision), Runtime()
    model = S2IDM(width, settings).train()
    inputs = SparseRows.from_csr(_interests(settings.batch_size, width))
    sampler = StepSampler(settings.steps, HISTORY, UNIFORM, runtime.device)
    step = TrainingStep(model, sampler, inputs, inputs, runtime)
    rows, draws = torch.arange(settings.batch_size), runtime.generator(0)
    return fastest(lambda: step(rows, draws), repeats)


def _row(label: str, width: int, options: Options, *, hidden_space: bool) -> list[Cell]:
    settings = S2IDMSettings()
    train = _step_seconds(width, min(3, options.repeats)) / settings.batch_size
    model = S2IDM(width, settings).eval()
    users = SparseRows.from_csr(_interests(INFERENCE_USERS, width)).take(torch.arange(INFERENCE_USERS))
    dense = users.dense()
    reverse = HiddenReverse(model.denoiser, model.schedule)

    def through_hidden_space() -> None:
        model.denoiser.outer(reverse.from_sparse(users.columns, users.values, users.offsets))

    with torch.no_grad():
        infer = fastest(
            through_hidden_space if hidden_space else lambda: reverse_literal(model.denoiser, model.schedule, dense),
            min(3, options.repeats),
        )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return [label, parameters / 1e6, _training_gib(width), train * 1e3, infer / INFERENCE_USERS * 1e3]


def _extrapolated(label: str, width: int, from_width: int, row: list[Cell]) -> list[Cell]:
    factor = width / from_width
    return [f"~ {label}", *(float(cell) * factor for cell in row[1:] if cell is not None)]
