"""Train S2IDM on the users of one or more source domains (Eq. 2)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from domains.errors import DataError
from transfer.diffusion.masked import make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings
from transfer.runtime import Runtime
from transfer.sparse import SparseRows
from transfer.training.epochs import (
    Checkpoint,
    Epoch,
    Log,
    Saved,
    check_divergence,
    logger,
    optimiser_state,
    restore_optimiser,
    steps_in_memory,
    train_epochs,
)

HISTORY = 10
"""Losses that importance sampling stores per step."""
UNIFORM = 0.001
"""Share of uniform sampling."""


class StepSampler:
    """Draws steps with p(t) proportional to the root mean square of the step's last losses.

    It is uniform until every step has a full history, and always mixes in some uniform sampling. Updates have no loop
    over rows or steps.

    Args:
        steps: number of steps T.
        history: number of losses stored per step.
        uniform: share of uniform sampling; 1 is fully uniform.
        device: device of the history.
    """

    def __init__(self, steps: int, history: int, uniform: float, device: torch.device) -> None:
        self.history = history
        self.uniform = uniform
        self.losses = torch.zeros(steps, history, dtype=torch.float64, device=device)
        self.seen = torch.zeros(steps, dtype=torch.int64, device=device)

    def probabilities(self) -> Tensor:
        """Return p(t), (T,) float64, which sums to one."""
        steps = len(self.losses)
        even = torch.full((steps,), 1.0 / steps, dtype=torch.float64, device=self.losses.device)
        root_mean_square = self.losses.square().mean(dim=1).sqrt()
        total = root_mean_square.sum()
        warm = (self.seen >= self.history).all() & (total > 0)
        focused = root_mean_square / total.clamp_min(torch.finfo(torch.float64).tiny)
        mixed = (1.0 - self.uniform) * focused + self.uniform * even
        return torch.where(warm, mixed, even)

    def sample(self, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a step for each row.

        Returns:
            steps (rows,) int64, and T * p(step) (rows,) float32; divide losses by it (1 if uniform).
        """
        probabilities = self.probabilities()
        steps = torch.multinomial(probabilities, rows, replacement=True, generator=generator)
        return steps, (probabilities[steps] * len(probabilities)).float()

    def update(self, steps: Tensor, losses: Tensor) -> None:
        """Store the losses of a batch; each step keeps its last `history` losses.

        Args:
            steps: (B,) int64.
            losses: (B,) weighted losses, before division by the probability.
        """
        order = torch.argsort(steps, stable=True)
        sorted_steps, sorted_losses = steps[order], losses.detach().double()[order]
        counts = torch.bincount(sorted_steps, minlength=len(self.seen))
        first = torch.cumsum(counts, 0) - counts
        rank = torch.arange(len(steps), device=steps.device) - first[sorted_steps]
        recent = rank >= counts[sorted_steps] - self.history
        slot = (self.seen[sorted_steps] + rank) % self.history
        self.losses[sorted_steps[recent], slot[recent]] = sorted_losses[recent]
        self.seen += counts


@dataclass(frozen=True, eq=False, kw_only=True)
class SourceInterests:
    """Training data of one source domain.

    Attributes:
        name: name of the domain.
        inputs: (U, q) s'_0, to which noise is added.
        targets: (U, q) x_0 to predict; the same matrix in the paper.
    """

    name: str
    inputs: csr_matrix
    targets: csr_matrix


class TrainingStep:
    """Computes the losses of a batch of users: draws steps and noise, denoises, updates the step sampler.

    Args:
        model: in training mode.
        sampler: draws diffusion steps.
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
        """Make a step on users (B,). Return their losses (B,), before division by the sampling probability."""
        # Every process draws for the whole batch and computes its share, so that the result equals that of one process.
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
    *,
    start: S2IDM | None = None,
    title: str = "S2IDM",
    key: str = "s2idm",
    checkpoint: Checkpoint | None = None,
    history: int = HISTORY,
) -> S2IDM:
    """Train until the held-out loss stops falling, and return the model of the best epoch.

    Args:
        sources: one entry per domain, over the same q anchors.
        settings: model and training.
        seed: seed of initialisation, held-out users, order and noise.
        runtime: device, processes, progress.
        log: called after each epoch.
        start: initial model over the same anchors.
        title: name of the model, for progress and messages.
        key: location of the settings in a recipe, for messages.
        checkpoint: stores the state after each epoch; an interrupted training resumes from it.
        history: losses of each step that importance sampling remembers.

    Raises:
        InputError: fewer than two users of a domain have an anchor, or the loss is NaN.
    """
    torch.manual_seed(seed)
    anchors = sources[0].inputs.shape[1]
    model = (start or make_s2idm(anchors, settings)).to(runtime.device)
    train_epochs(
        _Trainer(model, sources, settings, seed, runtime, title=title, key=key, history=history),
        runtime,
        title=title,
        stage="s2idm",
        epochs=settings.epochs,
        patience=settings.patience,
        log=log,
        best_shown=lambda best, epoch: f"best {-best:.4g} in epoch {epoch}",
        checkpoint=checkpoint,
    )
    return model


class _Trainer:
    """S2IDM for `train_epochs`. The score is the negative held-out loss."""

    def __init__(
        self,
        model: S2IDM,
        sources: list[SourceInterests],
        settings: S2IDMSettings,
        seed: int,
        runtime: Runtime,
        *,
        title: str,
        key: str,
        history: int,
    ) -> None:
        self.model, self.sources, self.settings, self.seed = model, sources, settings, seed
        self.runtime, self.title, self.key = runtime, title, key
        inputs = SparseRows.from_csr(vstack([source.inputs for source in sources], format="csr"), runtime.device)
        same = all(source.targets is source.inputs for source in sources)
        targets = (
            inputs if same else SparseRows.from_csr(vstack([s.targets for s in sources], format="csr"), runtime.device)
        )
        self.domains = _held_out({source.name: source.inputs for source in sources}, settings.held_out, seed)
        sampler = StepSampler(model.schedule.steps, history, UNIFORM, runtime.device)
        self.step = TrainingStep(model, sampler, inputs, targets, runtime)
        self.batch_size = settings.batch_size

    def start(self) -> float:
        """Return minus infinity: there is no score before the first epoch."""
        return -math.inf

    def epoch(self, number: int) -> Epoch:
        """Train one epoch and return the negative held-out loss."""
        began = time.perf_counter()
        order = _epoch_order([train for train, _ in self.domains], self.seed, number)
        loss = self._train(order, self.runtime.generator(self.seed, number))
        held = {
            source.name: _held_out_loss(self.model, self.step.inputs, self.step.targets, rows, self.seed, self.runtime)
            for source, (_, rows) in zip(self.sources, self.domains, strict=True)
        }
        mean = float(np.mean(list(held.values())))
        hint = f"Lower {self.key}.learning_rate, or the weights of interactions"
        check_divergence(self.title, number, hint, loss=loss, held_out=mean)
        entry = {"loss": loss, "held_out": held, "seconds": round(time.perf_counter() - began, 3)}
        return Epoch(-mean, entry, f"held-out loss {mean:.4g}")

    def state(self) -> Saved:
        """Return the state of optimiser and step sampler, and the batch size."""
        saved, sampler = optimiser_state(self.step.optimiser), self.step.sampler
        kept = {"sampler.losses": sampler.losses, "sampler.seen": sampler.seen}
        optimiser = {f"optimiser.{name}": value for name, value in saved.tensors.items()}
        return Saved(optimiser | kept, {**saved.facts, "batch_size": self.batch_size})

    def restore(self, saved: Saved) -> None:
        """Restore a state that `state` returned."""
        restore_optimiser(self.step.optimiser, Saved(saved.part("optimiser."), saved.facts))
        self.step.sampler.losses.copy_(saved.tensors["sampler.losses"])
        self.step.sampler.seen.copy_(saved.tensors["sampler.seen"])
        self.batch_size = saved.facts["batch_size"]

    def _train(self, order: Tensor, draws: torch.Generator) -> float:
        """Train on the rows of one epoch and return the mean loss."""
        self.model.train()
        total = torch.zeros((), dtype=torch.float64, device=self.runtime.device)
        batches = order.to(self.runtime.device).split(self.batch_size)
        for losses in steps_in_memory(batches, lambda rows: self.step(rows, draws), self.runtime, self._shrink):
            total += losses.double().sum()
        return float(total) / len(order)

    def _shrink(self, rows: int) -> None:
        self.batch_size = rows
        logger.warning(
            "%s: out of memory on %s; continuing with batches of %d users. Set %s.batch_size=%d next time",
            self.title,
            self.runtime.device,
            rows,
            self.key,
            rows,
        )


def _held_out(matrices: dict[str, csr_matrix], share: float, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Return training and held-out rows of each domain, numbered over all domains. Skips users without anchors."""
    generator = np.random.default_rng(seed)
    parts, first = [], 0
    for name, matrix in matrices.items():
        known = first + generator.permutation(np.flatnonzero(np.diff(matrix.indptr)))
        if len(known) < 2:
            raise DataError(
                f"training needs two users with anchors, but the domain has {len(known)}",
                location=name,
                hint="Use a source with more interactions, or lower vocabulary.min_items",
                code="no-anchors",
            )
        held = min(max(1, round(share * len(known))), len(known) - 1)
        parts.append((torch.from_numpy(known[held:]), torch.from_numpy(np.sort(known[:held]))))
        first += matrix.shape[0]
    return parts


def _epoch_order(domains: list[Tensor], seed: int, epoch: int) -> Tensor:
    """Return the rows of all domains in the random order of one epoch."""
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    # Each domain is shuffled first as well, so that a seed gives the order that it gave in earlier releases.
    together = torch.cat([rows[torch.randperm(len(rows), generator=generator)] for rows in domains])
    return together[torch.randperm(len(together), generator=generator)]


@torch.no_grad()
def _held_out_loss(
    model: S2IDM, inputs: SparseRows, targets: SparseRows, rows: Tensor, seed: int, runtime: Runtime
) -> float:
    """Return the mean loss of held-out users, with the same noise every epoch and evenly spread steps."""
    model.eval()
    draws = runtime.generator(seed, 0)
    total, first = 0.0, 0
    for batch in rows.to(runtime.device).split(2048):
        steps = (torch.arange(len(batch), device=runtime.device) + first) % model.schedule.steps
        noise = torch.randn(len(batch), inputs.width, generator=draws, device=runtime.device)
        total += float(model.loss(inputs.take(batch).dense(), targets.take(batch).dense(), steps, noise).sum())
        first += len(batch)
    return total / len(rows)
