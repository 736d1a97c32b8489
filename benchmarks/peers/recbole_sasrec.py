"""RecBole's SASRec with its own data loaders, trainer and evaluator."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from job import Job, Measured, Sequences, ndcg, read_job, read_sequences, write_measured


def write_atomic_file(data: Sequences, folder: Path, users: np.ndarray) -> None:
    """The `.inter` file of some users, their target as the last but one interaction and once more as the last one."""
    chosen = np.isin(data.users, users)
    lengths = np.bincount(data.users, minlength=len(data.targets))
    owner = np.concatenate([data.users[chosen], users, users])
    item = np.concatenate([data.items[chosen], data.targets[users], data.targets[users]])
    order = np.concatenate([data.order[chosen], lengths[users], lengths[users] + 1])
    folder.mkdir(parents=True)
    with (folder / "bench.inter").open("w") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        np.savetxt(file, np.column_stack([owner, item, order]), fmt="%d", delimiter="\t")


def settings(job: Job, folder: Path, mode: str) -> dict[str, Any]:
    """The library's configuration for a job."""
    return {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "use_gpu": False,
        "device": "cpu",
        "seed": job.seed,
        "reproducibility": True,
        "state": "ERROR",
        "show_progress": False,
        "log_wandb": False,
        "worker": 0,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "USER_ID_FIELD": "user_id",
        "ITEM_ID_FIELD": "item_id",
        "TIME_FIELD": "timestamp",
        "MAX_ITEM_LIST_LENGTH": job.length,
        "n_layers": job.blocks,
        "n_heads": job.heads,
        "hidden_size": job.dim,
        "inner_size": job.dim,
        "hidden_dropout_prob": job.dropout,
        "attn_dropout_prob": job.dropout,
        "hidden_act": "relu",
        "loss_type": "BPR",
        "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1},
        "learning_rate": job.learning_rate,
        "train_batch_size": job.rows_a_step,
        "eval_batch_size": 2048,
        "epochs": job.epochs,
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": mode},
        "metrics": ["NDCG"],
        "topk": [10],
        "valid_metric": "NDCG@10",
    }


def open_task(job: Job, folder: Path, mode: str) -> tuple[Any, Any, Any, Any]:
    """Configuration, data set, training loader and validation loader."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import init_seed

    config = Config(model="SASRec", dataset="bench", config_dict=settings(job, folder, mode))
    logging.disable(logging.CRITICAL)
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    train, valid, _ = data_preparation(config, dataset)
    return config, dataset, train, valid


def run(job: Job) -> Measured:
    """Train and measure; the evaluation against 999 negatives is scaled from a few users."""
    from recbole.model.sequential_recommender import SASRec
    from recbole.trainer import Trainer

    torch.set_num_threads(job.threads)
    data = read_sequences(job.data)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        everyone = np.arange(len(data.targets))
        write_atomic_file(data, folder / "bench", everyone)
        config, dataset, train, valid = open_task(job, folder, "full")
        model = SASRec(config, train.dataset)
        trainer = Trainer(config, model)
        times = []
        for epoch in range(job.epochs):
            began = time.perf_counter()
            trainer._train_epoch(train, epoch)
            times.append(time.perf_counter() - began)
        began = time.perf_counter()
        trainer.evaluate(valid, load_best_model=False)
        full = time.perf_counter() - began
        reached = _ndcg(model, dataset, valid, data)
        few = np.random.default_rng(job.seed).choice(everyone, min(job.sampled_users, len(everyone)), replace=False)
        sampled = _sampled_seconds(job, folder, trainer, few) * len(everyone) / len(few)
    notes = [
        "one row for every target, 2,048 a step",
        "BPR loss, for it has no BCE",
        f"999 negatives: scaled from {len(few)} users",
    ]
    return Measured(min(times), full, sampled, reached, notes=notes)


def _sampled_seconds(job: Job, folder: Path, trainer: Any, users: np.ndarray) -> float:
    """Wall time of the evaluator against 999 negatives for some users, the faster of two calls."""
    _, dataset, _, valid = open_task(job, folder, "uni999")
    valid.uid_list = valid.uid_list[np.isin(valid.uid_list, dataset.token2id("user_id", users.astype(str)))]
    valid.sample_size = len(valid.uid_list)
    del valid.sampler.data_source[len(valid.uid_list) :]
    times = []
    for _ in range(2):
        began = time.perf_counter()
        trainer.evaluate(valid, load_best_model=False)
        times.append(time.perf_counter() - began)
    return min(times)


@torch.no_grad()
def _ndcg(model: Any, dataset: Any, valid: Any, data: Sequences) -> float:
    """NDCG@10 with the history left out, which the library's own full ranking does not do for sequential models."""
    items_of = np.split(data.items, np.cumsum(np.bincount(data.users))[:-1])
    found = np.full((len(data.targets), 10), -1)
    external = dataset.field2id_token["item_id"]
    model.eval()
    for batch, *_ in valid:
        scores = model.full_sort_predict(batch).view(len(batch), -1)
        scores[:, 0] = -torch.inf
        owners = dataset.field2id_token["user_id"][batch["user_id"].numpy()].astype(np.int64)
        for row, owner in enumerate(owners):
            scores[row, dataset.token2id("item_id", items_of[owner].astype(str))] = -torch.inf
        found[owners] = external[scores.topk(10).indices.numpy()].astype(np.int64)
    return ndcg(found, data.targets)


write_measured(run(read_job()))
