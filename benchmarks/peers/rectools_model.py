"""`rectools.models.SASRecModel`."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import torch
from job import Job, Measured, Sequences, ndcg, read_job, read_sequences, write_measured
from pytorch_lightning import Callback, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel


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


def dataset_of(data: Sequences) -> Dataset:
    """Interactions as the library wants them."""
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(data.order, unit="s")
    columns = {Columns.User: data.users, Columns.Item: data.items, Columns.Weight: 1.0, Columns.Datetime: moments}
    return Dataset.construct(pd.DataFrame(columns))


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
    everyone = np.arange(len(data.targets))
    began = time.perf_counter()
    table = model.recommend(everyone, dataset, k=10, filter_viewed=True)
    seconds = time.perf_counter() - began
    recommended = np.full((len(everyone), 10), -1)
    recommended[table[Columns.User].to_numpy(), table[Columns.Rank].to_numpy() - 1] = table[Columns.Item].to_numpy()
    return Measured(min(clock.seconds), seconds, None, ndcg(recommended, data.targets))


write_measured(run(read_job()))
