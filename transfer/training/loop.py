"""Training of recommenders: batches by length, validation, early stopping at the best epoch."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from transfer.evaluation.protocol import Targets, targets_of
from transfer.evaluation.ranking import ScoreRows, rank
from transfer.interests.views import TrainView, Views
from transfer.items.tower import IdChannel
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import model_scores
from transfer.runtime import working_memory
from transfer.sequences import SequenceBatch, Spans, gather, shuffled_by_length
from transfer.training import losses
from transfer.training.auxiliary import Auxiliary
from transfer.training.epochs import (
    Checkpoint,
    Epoch,
    Fitted,
    Log,
    Saved,
    check_divergence,
    logger,
    optimiser_state,
    restore_optimiser,
    steps_in_memory,
    train_epochs,
)
from transfer.training.failures import warn_of_failures
from transfer.training.row_adam import RowAdam
from transfer.training.sampling import NegativeSampler
from transfer.training.settings import ADAM_BETAS, GBCE_T, LEARNING_RATE_DECAY, LOGITS_MB
from transfer.training.task import Task

SMALLEST_BATCH = 16
"""Minimum number of sequences per batch: smaller batches do not help, and contrastive losses need several sequences."""
LARGE_TABLE = 50_000
"""Rows from which on an item table is updated by the rows that a step reads."""
POSITIONS_A_PASS = 4096
"""Padded positions that a CPU encodes at once. A step adds up the gradients of its passes."""


def fit(
    model: SequentialRecommender,
    task: Task,
    views: Views,
    *,
    title: str,
    epochs: int,
    seed: int,
    log: Log,
    auxiliary: Auxiliary | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fitted:
    """Train a model in place, and leave it at the epoch with the best validation metric.

    Args:
        model: on the runtime's device.
        task: data and settings.
        views: interests that the model sees at each stage.
        title: name of the training, for progress and log.
        epochs: maximum number of epochs.
        seed: seed of order, negatives and dropout.
        log: called after each epoch.
        auxiliary: the system's own objective; its loss is added in every step, or replaces the usual one.
        checkpoint: stores the state between epochs; an interrupted training resumes from it.

    Raises:
        InputError: the loss is NaN or infinite.
    """
    settings = task.training
    torch.manual_seed(seed * 1_000_003 + task.runtime.rank)
    fitted = train_epochs(
        Trainer(model, task, views, title=title, seed=seed, log=log, auxiliary=auxiliary),
        task.runtime,
        title=title,
        stage=title,
        epochs=epochs,
        patience=settings.patience,
        log=log,
        best_shown=lambda best, epoch: f"best {best:.4f} in epoch {epoch}",
        checkpoint=checkpoint,
    )
    warn_of_failures(model, task, views, fitted, title)
    return fitted


def validate(model: SequentialRecommender, task: Task, views: Views) -> float:
    """Return the selection metric on the validation targets of the training users, or of a sample of them."""
    users = task.split.training_users
    targets = targets_of(
        task.split, "validation", users[:: math.ceil(len(users) / task.training.validation_users) or 1]
    )
    device = task.runtime.device
    scores = model_scores(model, task.split.domain, targets, views.for_stage("validation"), task.max_length, device)
    return validation_metric(scores, task, targets)


def validation_metric(scores: ScoreRows, task: Task, targets: Targets) -> float:
    """Return the selection metric of some scores for validation targets; 0 if there are no targets."""
    protocol, metric = task.training.metric.split("/", 1)
    sampled = protocol == "sampled"
    ranking = rank(task.split.domain, targets, scores, task.evaluation, task.runtime.device, sampled=sampled)
    return ranking.metrics(task.evaluation.cutoffs)[protocol].get(metric, 0.0)


class Trainer:
    """A recommender for `train_epochs`. Every epoch depends only on the seed, its number and the state."""

    def __init__(
        self,
        model: SequentialRecommender,
        task: Task,
        views: Views,
        *,
        title: str,
        seed: int,
        log: Log,
        auxiliary: Auxiliary | None = None,
        positions_a_pass: int = POSITIONS_A_PASS,
        large_table: int = LARGE_TABLE,
    ) -> None:
        self.model, self.task, self.views, self.title, self.seed = model, task, views, title, seed
        self.log, self.auxiliary, self.positions_a_pass = log, auxiliary, positions_a_pass
        self.settings, self.runtime = task.training, task.runtime
        split = task.split
        users = split.training_users[(split.train_stop - split.starts)[split.training_users] >= 2]
        # A second objective compares the users of a batch, so every process needs all of them.
        owned = self.runtime.owns(torch.arange(len(users))).numpy() if self._splits_users else None
        stops, device = split.train_stop[users], self.runtime.device
        self.spans = Spans.of(split.domain, users, stops, device, task.max_length + 1, owned)
        self.sampler = NegativeSampler(split, self.runtime.device)
        self.batch_size = min(self.settings.batch_size, max(SMALLEST_BATCH, len(users) // self.settings.steps))
        learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimiser = RowAdam(
            learned,
            self._tables(large_table),
            lr=self.settings.learning_rate,
            betas=ADAM_BETAS,
            weight_decay=self.settings.weight_decay,
        )

    @property
    def _splits_users(self) -> bool:
        """Whether each process reads only the interactions of its own users."""
        return self.runtime.processes > 1 and self.auxiliary is None

    def _tables(self, rows: int) -> list[nn.Embedding]:
        """Return the item tables with at least so many rows, if a step reads few of them, and in this process alone."""
        settings = self.settings
        if self.runtime.processes > 1 or settings.weight_decay or settings.loss == "softmax" or self.auxiliary:
            return []
        tables = (module.table for module in self.model.modules() if isinstance(module, IdChannel))
        return [table for table in tables if len(table.weight) >= rows and table.weight.requires_grad]

    def start(self) -> float:
        """Return the validation metric before the first epoch."""
        score = validate(self.model, self.task, self.views)
        self.log({"stage": self.title, "epoch": 0, "validation": score})
        return score

    def epoch(self, number: int) -> Epoch:
        """Train for one epoch and validate."""
        began = time.perf_counter()
        loss = self.train(self.views.for_training(number), number)
        trained = time.perf_counter()
        check_divergence(self.title, number, "Lower training.learning_rate", loss=loss)
        score = validate(self.model, self.task, self.views)
        entry = {
            "loss": loss,
            "validation": score,
            "train_seconds": round(trained - began, 3),
            "validation_seconds": round(time.perf_counter() - trained, 3),
        }
        return Epoch(score, entry, f"{self.settings.metric} {score:.4f}")

    def state(self) -> Saved:
        """Return the state of the optimiser, its learning rate included, and the batch size."""
        saved = optimiser_state(self.optimiser)
        return Saved(saved.tensors, {**saved.facts, "batch_size": self.batch_size})

    def restore(self, saved: Saved) -> None:
        """Restore a state that `state` returned."""
        restore_optimiser(self.optimiser, saved)
        self.batch_size = saved.facts["batch_size"]

    def train(self, view: TrainView, number: int) -> float:
        """Train on all batches of one epoch and return the mean loss over targets."""
        self.model.train()
        order = torch.Generator().manual_seed(self.seed * 100_003 + number)
        draws = self.runtime.generator(self.seed, number)
        total = torch.zeros((), dtype=torch.float64, device=self.runtime.device)
        count = 0
        batches = shuffled_by_length(self.spans.lengths, self.batch_size, order)
        with self.optimiser.training():
            for loss, positions in steps_in_memory(
                batches, lambda rows: self._step(rows, view, draws), self.runtime, self._shrink
            ):
                total += loss
                count += positions
        if count:
            for group in self.optimiser.param_groups:
                group["lr"] *= LEARNING_RATE_DECAY
        self.runtime.sum_(total)
        return float(total) / max(1, count)

    def _shrink(self, rows: int) -> None:
        self.batch_size = rows
        logger.warning(
            "%s: out of memory on %s; continuing with batches of %d sequences. Set training.batch_size=%d next time",
            self.title,
            self.runtime.device,
            rows,
            rows,
        )

    def _step(self, rows: Tensor, view: TrainView, draws: torch.Generator) -> tuple[Tensor, int]:
        """Make one optimiser step; return the summed loss of this process and the number of targets of the batch."""
        positions = self._count_targets(rows, view)
        if positions == 0:
            return torch.zeros((), device=rows.device), 0
        # Every process draws for the whole batch and computes its share, so the result equals that of one process.
        negatives = self._negatives(rows, draws)
        mine = slice(None) if self.runtime.processes == 1 else self.runtime.owns(rows)
        self.optimiser.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=rows.device)
        own = self.auxiliary is None or not self.auxiliary.replaces_loss
        if own and len(rows[mine]):  # a small batch can leave a process without users
            batch = gather(self.spans, rows[mine])
            inputs, positives, valid = batch.inputs(), batch.targets(), _targets(batch, view)
            if self.settings.loss in {"bce", "gbce"}:
                negatives = negatives[mine, : valid.shape[1]]
            if valid.any():
                with torch.autocast(rows.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
                    loss = self._loss(inputs, positives, valid, negatives, view).sum()
                (loss / positions).backward()
        if self.auxiliary is not None:
            # Every process computes the whole batch: a contrastive loss of a share would be another loss.
            whole = gather(self.spans, rows)
            valid = _targets(whole, view)
            with torch.autocast(rows.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
                extra = self.auxiliary.loss(self.model, whole, valid, view, draws) / self.runtime.processes
            extra.backward()
            loss = loss + extra.detach() * positions
        self.runtime.sum_gradients(self.model.parameters())
        self.optimiser.step()
        return loss.detach(), positions

    def _count_targets(self, rows: Tensor, view: TrainView) -> int:
        """Return the number of targets of a batch, without reading its items."""
        first = self.spans.starts[rows] + 1
        if view.first_target is not None:
            first = torch.maximum(first, view.first_target[self.spans.users[rows]])
        return int((self.spans.stops[rows] - first).clamp_min(0).sum())

    def _negatives(self, rows: Tensor, draws: torch.Generator) -> Tensor:
        """Return the negatives: (B, L, m) one set per position, (m,) if a batch shares them, or (0,) for softmax."""
        if self.settings.loss == "softmax":
            return torch.empty(0, dtype=torch.int64, device=rows.device)
        if self.settings.loss == "sampled_softmax":
            # At least as many draws as items: take every item once instead, which misses none.
            every = self.settings.drawn >= self.sampler.n_items
            return self.sampler.known if every else self.sampler.shared(self.settings.drawn, draws)
        width = int(self.spans.lengths[rows].max()) - 1
        drawn = self.sampler.sample(self.spans.users[rows], width * self.settings.drawn, draws)
        return drawn.view(len(rows), width, self.settings.drawn)

    def _loss(
        self, inputs: SequenceBatch, positives: Tensor, valid: Tensor, negatives: Tensor, view: TrainView
    ) -> Tensor:
        """Return the losses of the valid positions, (n,)."""
        positive_ids = positives[valid]
        own = self.settings.loss in {"bce", "gbce"}
        negative_ids = negatives[valid] if own else negatives
        parts = inputs.narrowed(self.positions_a_pass) if inputs.items.device.type == "cpu" else [inputs]
        inputs_ids = [part.items for part in parts]
        if self.settings.loss == "softmax":
            table = self.model.items.all()
            embeds, positive = [F.embedding(ids, table) for ids in inputs_ids], table[self.sampler.known]
        else:
            *embeds, positive, negative = self.model.embed([*inputs_ids, positive_ids, negative_ids])
        encoded = [
            self.model.states(vectors, part, view.interests)[chosen[:, : part.items.shape[1]]]
            for vectors, part, chosen in zip(
                embeds, parts, valid.split([len(part.users) for part in parts]), strict=True
            )
        ]
        states = self.model.prepared_states(torch.cat(encoded)).float()
        positive = self.model.prepared_items(positive).float()
        if self.settings.loss == "softmax":
            places = self.sampler.place[positive_ids]
            return losses.softmax(states, positive, places, working_memory(LOGITS_MB))
        negative = self.model.prepared_items(negative).float()
        if self.settings.loss == "bce":
            return losses.bce(states, positive, negative)
        if self.settings.loss == "gbce":
            return losses.gbce(states, positive, negative, self.sampler.n_items, GBCE_T)
        return losses.sampled_softmax(states, positive, negative, positive_ids, negative_ids)


def _targets(batch: SequenceBatch, view: TrainView) -> Tensor:
    """Return (B, L - 1) bool: which targets of a batch count."""
    valid = batch.inputs().mask
    if view.first_target is None:
        return valid
    return valid & (batch.positions[:, 1:] >= view.first_target[batch.users][:, None])
