"""RecTools' SASRec with sampled softmax, measured after every epoch until its time is up."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from job import QualityCurve, QualityJob, Sequences, ndcg, read_sequences
from pytorch_lightning import Callback, LightningModule, Trainer
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools_data import dataset_of, recommended


class Quality(Callback):
    """The metric after every epoch; stops the training when its time is up. Measuring does not count as training."""

    def __init__(self, job: QualityJob, data: Sequences) -> None:
        self.job, self.data, self.curve = job, data, QualityCurve([], [])
        self.model: SASRecModel | None = None
        self.dataset: Dataset | None = None
        self.began, self.spent = 0.0, 0.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Quality:
        """Itself: the library trains with a copy of the trainer that it was given."""
        return self

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Stop the clock and measure."""
        self.spent += time.perf_counter() - self.began
        assert self.model is not None and self.dataset is not None
        self.model.is_fitted = True
        found = recommended(self.model, self.dataset, len(self.data.targets))
        module.train()
        self.curve.seconds.append(self.spent)
        self.curve.ndcg.append(ndcg(found, self.data.targets))
        trainer.should_stop = self.spent >= self.job.seconds


def run(job: QualityJob) -> QualityCurve:
    """Train until the time is up."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    data = read_sequences(job.data)
    dataset, quality = dataset_of(data), Quality(job, data)
    model = SASRecModel(
        n_blocks=job.blocks,
        n_heads=1,
        n_factors=job.dim,
        session_max_len=job.length,
        loss="sampled_softmax",
        n_negatives=job.negatives,
        dropout_rate=job.dropout,
        lr=job.learning_rate,
        batch_size=job.batch_size,
        recommend_batch_size=512,
        get_trainer_func=lambda: Trainer(
            max_epochs=job.epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[quality],
        ),
    )
    quality.model, quality.dataset = model, dataset
    model.fit(dataset)
    return quality.curve


def main() -> None:
    """The job of the first file, its answer into the second."""
    answer = run(QualityJob(**json.loads(Path(sys.argv[1]).read_text())))
    Path(sys.argv[2]).write_text(json.dumps(asdict(answer)))


main()
