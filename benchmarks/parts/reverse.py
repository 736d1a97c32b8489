"""The reverse process: the literal loop over the anchors against the hidden space."""

from __future__ import annotations

import torch

from benchmarks.options import Options
from benchmarks.tables import Cell, Section
from benchmarks.timing import side_by_side
from transfer.diffusion.reverse import HiddenReverse, reverse_literal
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings

ANCHORS_A_USER = 30
WORKING_FLOATS = 1 << 25
"""Users are taken in batches of so many interests, at most 1,024 users."""


def run(options: Options) -> list[Section]:
    """Time and error by number of anchors."""
    widths = (500, 2_000) if options.quick else (1_000, 2_000, 4_000, 8_000, 20_000, 50_000)
    rows = [_measure(width, options) for width in widths]
    columns = [
        "anchors q",
        "users",
        "literal, s",
        "hidden, s",
        "hidden + x_0, s",
        "literal / hidden + x_0",
        "literal / hidden",
        "largest relative error",
        "share of matmul peak",
    ]
    notes = [
        f"h = {S2IDMSettings().hidden}, T = {S2IDMSettings().steps}, {ANCHORS_A_USER} anchors a user. Hidden: what "
        "inference keeps (sparse s'_0 to h-wide states). Hidden + x_0: the same, and x_0 formed for every anchor.",
        "Relative error: largest difference of an entry of x_0 over the largest entry.",
        "Share of peak: operations of hidden + x_0 over its time and the matrix-multiply peak.",
    ]
    return [Section("Reverse process", columns, rows, notes)]


@torch.no_grad()
def _measure(width: int, options: Options) -> list[Cell]:
    torch.manual_seed(0)
    settings = S2IDMSettings()
    model = S2IDM(width, settings).eval()
    users = min(1024, WORKING_FLOATS // width)
    columns = (
        torch.rand(users, width).topk(ANCHORS_A_USER).indices.flatten()
        if width < 8_000
        else (torch.randint(0, width, (users * ANCHORS_A_USER,)))
    )
    values = torch.rand(len(columns)) * 0.5
    offsets = torch.arange(users) * ANCHORS_A_USER
    dense = torch.zeros(users, width)
    dense.index_put_((torch.arange(users).repeat_interleave(ANCHORS_A_USER), columns), values, accumulate=True)
    reverse = HiddenReverse(model.denoiser, model.schedule)

    def formed() -> torch.Tensor:
        found: torch.Tensor = model.denoiser.outer(reverse.from_sparse(columns, values, offsets))
        return found

    literal = reverse_literal(model.denoiser, model.schedule, dense)
    error = float((literal - formed()).abs().max() / literal.abs().max())
    took = side_by_side(
        {
            "literal": lambda: reverse_literal(model.denoiser, model.schedule, dense),
            "hidden": lambda: reverse.from_sparse(columns, values, offsets),
            "formed": formed,
        },
        options.repeats,
    )
    operations = 2 * users * (settings.hidden**2 * (settings.steps - 1) + settings.hidden * width)
    share = operations / took["formed"] / 1e9 / options.machine.gflops
    return [
        f"{width:,}",
        users,
        took["literal"],
        took["hidden"],
        took["formed"],
        f"{took['literal'] / took['formed']:.1f} x",
        f"{took['literal'] / took['hidden']:.1f} x",
        f"{error:.1e}",
        f"{share:.0%}",
    ]
