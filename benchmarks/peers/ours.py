"""Our SASRec on the same job, in a process of its own, as the peers are."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from job import Job, Measured, read_job, write_measured

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.models import CPU, sasrec, task
from domains.domain import Domain, TimeKind
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.interests.views import NoViews
from transfer.model.scorer import model_scores
from transfer.training.loop import fit
from transfer.training.settings import TrainingSettings


def domain_of(path: str) -> Domain:
    """The domain of a data file; titles play no part."""
    with np.load(path) as data:
        offsets, items, n_items = data["offsets"], data["items"], int(data["n_items"])
    ids = pa.array(map(str, range(n_items)), pa.large_string())
    users = pa.array(map(str, range(len(offsets) - 1)), pa.large_string())
    return Domain(
        name="benchmark",
        item_ids=ids,
        titles=ids,
        categories=None,
        user_ids=users,
        offsets=offsets,
        items=items,
        times=np.arange(len(items)),
        time_kind=TimeKind.ORDER,
    )


def run(job: Job) -> Measured:
    """Train and measure."""
    torch.set_num_threads(job.threads)
    domain = domain_of(job.data)
    settings = TrainingSettings.model_validate(
        {
            "loss": job.loss,
            "precision": job.precision,
            "learning_rate": job.learning_rate,
            "batch_size": job.batch_size,
            "patience": job.epochs + 1,
        }
    )
    work = task(domain, job.length, settings)
    model = sasrec(domain, job.length, job.dim)
    epochs: list[dict[str, object]] = []
    fit(model, work, NoViews(), title="benchmark", epochs=job.epochs, seed=job.seed, log=epochs.append)
    targets = targets_of(work.split, "validation")

    def evaluate(sampled: bool) -> float:
        began = time.perf_counter()
        scores = model_scores(model, domain, targets, None, job.length, CPU)
        rank(domain, targets, scores, work.evaluation, CPU, sampled=sampled)
        return time.perf_counter() - began

    full, both = min(evaluate(False) for _ in range(2)), min(evaluate(True) for _ in range(2))
    trained = min(float(str(epoch["train_seconds"])) for epoch in epochs[1:])
    notes = ["999 negatives: time of both protocols together, from one pass"]
    return Measured(trained, full, both, float(str(epochs[-1]["validation"])), notes=notes)


write_measured(run(read_job()))
