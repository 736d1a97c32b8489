"""Training S2IDM on the users of one or many source domains (Eq. 2)."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from domains.errors import InputError
from transfer.diffusion.make import make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings
from transfer.diffusion.step_sampler import StepSampler
from transfer.runtime import Runtime
from transfer.sparse import SparseRows

Log = Callable[[dict[str, object]], None]


@dataclass(frozen=True, eq=False)
class SourceInterests:
    """What one source domain teaches.

    Attributes:
        name: of the domain.
        inputs: (U, q) s'_0 that is noised.
        targets: (U, q) x_0 to predict; the same matrix in the paper.
    """

    name: str
    inputs: csr_matrix
    targets: csr_matrix


class Step:
    """One optimiser step on a batch of users: draw steps and noise, denoise, learn, tell the step sampler.

    Args:
        model: in training mode while it is called.
        sampler: of diffusion steps.
        inputs: s'_0 of every user.
        targets: x_0 of every user; may be `inputs` itself.
        runtime: device and processes.
    """

    def __init__(
        self, model: S2IDM, sampler: StepSampler, inputs: SparseRows, targets: SparseRows, runtime: Runtime
    ) -> None:
        self.model, self.sampler, self.inputs, self.targets, self.runtime = model, sampler, inputs, targets, runtime
        settings = model.settings
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )

    def __call__(self, batch: Tensor, draws: torch.Generator) -> Tensor:
        """Losses (B,) of the users (B,), before division by the sampling probability."""
        # Every process draws for the whole batch and works on its share: the result is that of one process.
        device = batch.device
        steps, scaled_probability = self.sampler.sample(len(batch), draws)
        rows = self.runtime.share(torch.arange(len(batch), device=device))
        mine = batch[rows]
        noise = torch.randn(len(batch), self.inputs.width, generator=draws, device=device)[rows]
        dense = self.inputs.take(mine).dense()
        wanted = dense if self.targets is self.inputs else self.targets.take(mine).dense()
        with torch.autocast(device.type, torch.bfloat16, enabled=self.model.settings.precision == "bf16"):
            losses = self.model.loss(dense, wanted, steps[rows], noise).float()
        self.optimiser.zero_grad(set_to_none=True)
        ((losses / scaled_probability[rows]).sum() / len(batch)).backward()
        self.runtime.sum_gradients(self.model.parameters())
        self.optimiser.step()
        everyone = torch.zeros(len(batch), device=device)
        everyone[rows] = losses.detach()
        self.runtime.sum_(everyone)
        self.sampler.update(steps, everyone)
        return everyone


def train_s2idm(
    sources: list[SourceInterests],
    settings: S2IDMSettings,
    seed: int,
    runtime: Runtime,
    log: Log = lambda _: None,
    start: S2IDM | None = None,
    title: str = "S2IDM",
    key: str = "s2idm",
) -> S2IDM:
    """Train until held-out users no longer gain, and return the best epoch's model.

    Args:
        sources: one entry a domain, all over the same q anchors.
        settings: of model and training.
        seed: of initialisation, held-out draw, order and noise.
        runtime: device, processes, progress.
        log: called once an epoch.
        start: a model over the same anchors to go on from.
        title: what is trained, for progress and messages.
        key: where a recipe holds these settings, for messages.

    Raises:
        InputError: a domain where fewer than two users have an anchor, or a loss that is no number.
    """
    torch.manual_seed(seed)
    anchors = sources[0].inputs.shape[1]
    model = (start or make_s2idm(anchors, settings)).to(runtime.device)
    inputs = SparseRows.from_csr(vstack([source.inputs for source in sources], format="csr"), runtime.device)
    same = all(source.targets is source.inputs for source in sources)
    targets = (
        inputs if same else SparseRows.from_csr(vstack([s.targets for s in sources], format="csr"), runtime.device)
    )
    domains = _held_out({source.name: source.inputs for source in sources}, settings.held_out, seed)
    uniform = 1.0 if settings.step_sampling == "uniform" else settings.sampling_uniform
    sampler = StepSampler(model.schedule.steps, settings.sampling_history, uniform, runtime.device)
    step = Step(model, sampler, inputs, targets, runtime)
    best, best_epoch, best_state = float("inf"), 0, copy.deepcopy(model.state_dict())
    with runtime.progress.task(title, settings.epochs) as task:
        for epoch in range(1, settings.epochs + 1):
            began = time.perf_counter()
            order = _epoch_order([train for train, _ in domains], settings.source_temperature, seed, epoch)
            train_loss = _train_epoch(step, order, runtime.generator(seed, epoch))
            held = {
                source.name: _held_out_loss(model, inputs, targets, rows, seed, runtime)
                for source, (_, rows) in zip(sources, domains, strict=True)
            }
            score = float(np.mean(list(held.values())))
            if not (math.isfinite(train_loss) and math.isfinite(score)):
                raise InputError(
                    f"training of {title} diverged in epoch {epoch} (loss {train_loss}, held out {score})",
                    hint=f"Lower {key}.learning_rate, or the weights of interactions",
                )
            log(
                {
                    "stage": "s2idm",
                    "epoch": epoch,
                    "loss": train_loss,
                    "held_out": held,
                    "seconds": round(time.perf_counter() - began, 3),
                }
            )
            if score < best:
                best, best_epoch, best_state = score, epoch, copy.deepcopy(model.state_dict())
            task.advance(1, f"held-out loss {score:.4g}, best {best:.4g} at {best_epoch}")
            if epoch - best_epoch >= settings.patience:
                break
    model.load_state_dict(best_state)
    return model.eval()


def _held_out(matrices: dict[str, csr_matrix], share: float, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Training and held-out rows of each domain, numbered through all; users without an anchor are in neither."""
    generator = np.random.default_rng(seed)
    parts, first = [], 0
    for name, matrix in matrices.items():
        known = first + generator.permutation(np.flatnonzero(np.diff(matrix.indptr)))
        if len(known) < 2:
            raise InputError(
                f"{len(known)} of its users have an anchor, and two are needed: one trains, one selects the epoch",
                location=name,
                hint="Give a source with more interactions, or lower vocabulary.min_items",
            )
        held = min(max(1, round(share * len(known))), len(known) - 1)
        parts.append((torch.from_numpy(known[held:]), torch.from_numpy(np.sort(known[:held]))))
        first += matrix.shape[0]
    return parts


def _epoch_order(domains: list[Tensor], temperature: float, seed: int, epoch: int) -> Tensor:
    """Rows of one epoch, shuffled; domains take part by their size to the power `temperature`."""
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    sizes = np.array([len(rows) for rows in domains], dtype=np.float64)
    shares = sizes**temperature / (sizes**temperature).sum()
    drawn = []
    for rows, share in zip(domains, shares, strict=True):
        wanted = round(share * sizes.sum())
        shuffled = rows[torch.randperm(len(rows), generator=generator)]
        drawn.append(shuffled.repeat(-(-wanted // max(1, len(rows))))[:wanted])
    together = torch.cat(drawn)
    return together[torch.randperm(len(together), generator=generator)]


def _train_epoch(step: Step, order: Tensor, draws: torch.Generator) -> float:
    """Mean loss over the rows of one epoch."""
    step.model.train()
    total = torch.zeros((), dtype=torch.float64, device=step.runtime.device)
    for batch in order.to(step.runtime.device).split(step.model.settings.batch_size):
        total += step(batch, draws).double().sum()
    return float(total) / len(order)


@torch.no_grad()
def _held_out_loss(
    model: S2IDM, inputs: SparseRows, targets: SparseRows, rows: Tensor, seed: int, runtime: Runtime
) -> float:
    """Mean loss of held-out users with the same noise every epoch, their steps spread evenly."""
    model.eval()
    draws = runtime.generator(seed, 0)
    total, first = 0.0, 0
    for batch in rows.to(runtime.device).split(2048):
        steps = (torch.arange(len(batch), device=runtime.device) + first) % model.schedule.steps
        noise = torch.randn(len(batch), inputs.width, generator=draws, device=runtime.device)
        total += float(model.loss(inputs.take(batch).dense(), targets.take(batch).dense(), steps, noise).sum())
        first += len(batch)
    return total / len(rows)
