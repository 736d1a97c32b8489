"""`rectools.models.SASRecModel`."""

from __future__ import annotations

import time
from typing import Any

import torch
from job import Job, Measured, ndcg, read_job, read_sequences, write_measured
from pytorch_lightning import Callback, Trainer
from rectools.models import SASRecModel
from rectools_data import dataset_of, recommended


class EpochTimes(Callback):
    """Wall time of every training epoch."""

    def __init__(self) -> None:
        self.began, self.seconds = 0.0, list[float]()

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self, *_: Any) -> None:
        """Stop it."""
        self.seconds.append(time.perf_counter() - self.began)


def run(job: Job) -> Measured:
    """Train, recommend to everyone, measure."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    data = read_sequences(job.data)
    dataset = dataset_of(data)
    model = SASRecModel(
        n_blocks=job.blocks,
        n_heads=job.heads,
        n_factors=job.dim,
        session_max_len=job.length,
        loss="BCE",
        n_negatives=1,
        dropout_rate=job.dropout,
        lr=job.learning_rate,
        batch_size=job.batch_size,
        recommend_batch_size=job.batch_size,
        get_trainer_func=lambda: Trainer(
            max_epochs=job.epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[EpochTimes()],
        ),
    )
    model.fit(dataset)
    # The library trains with a copy of the trainer that it was given.
    clock = next(callback for callback in model.fit_trainer.callbacks if isinstance(callback, EpochTimes))
    began = time.perf_counter()
    found = recommended(model, dataset, len(data.targets))
    seconds = time.perf_counter() - began
    return Measured(min(clock.seconds), seconds, None, ndcg(found, data.targets))


write_measured(run(read_job()))
