"""`rectools.fast_transformers`: its sequence builder and `FlatSASRecNet`, in the plain loop that they are made for."""

from __future__ import annotations

import time

import numpy as np
import torch
from job import Job, Measured, ndcg, read_job, read_sequences, write_measured
from rectools.fast_transformers import FlatSASRecNet, SequenceBatchDataset, build_sequences
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader


def train_epoch(net: FlatSASRecNet, loader: DataLoader, optimiser: torch.optim.Optimizer) -> float:
    """One epoch of binary cross-entropy with one uniform negative; returns its wall time."""
    began = time.perf_counter()
    net.train()
    for batch in loader:
        batch["negatives"] = torch.randint(1, net.n_items + 1, (*batch["x"].shape, 1))
        logits = net(batch)
        wanted = torch.zeros_like(logits)
        wanted[..., 0] = 1.0
        real = batch["y"] != 0
        loss = binary_cross_entropy_with_logits(logits[real], wanted[real])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - began


@torch.no_grad()
def recommend(net: FlatSASRecNet, histories: torch.Tensor, seen: torch.Tensor) -> np.ndarray:
    """(U, 10) best internal item ids that are not among the seen ones."""
    net.eval()
    table, best = net.all_item_embeddings(), []
    for rows, known in zip(histories.split(512), seen.split(512), strict=True):
        scores = torch.nn.functional.pad(net.encode_last(rows) @ table.T, (1, 0), value=-torch.inf)
        scores.scatter_(1, known, -torch.inf)
        best.append(scores.topk(10).indices)
    return torch.cat(best).numpy()


def run(job: Job) -> Measured:
    """Train and measure."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    data = read_sequences(job.data)
    users, items, order = (torch.from_numpy(part) for part in (data.users, data.items, data.order))
    x, y, known_items, _ = build_sequences(users, items, order, job.length)
    net = FlatSASRecNet(len(known_items), job.dim, job.blocks, job.heads, job.length, job.dropout)
    optimiser = torch.optim.Adam(net.parameters(), lr=job.learning_rate)
    loader = DataLoader(SequenceBatchDataset(x, y), job.batch_size, shuffle=True)
    seconds = min([train_epoch(net, loader, optimiser) for _ in range(job.epochs)])
    longest = int(np.bincount(data.users).max())
    everything, after, *_ = build_sequences(users, items, order, longest, min_interactions=1)
    whole = torch.cat([everything[:, :1], after], dim=1)
    found = recommend(net, whole[:, -job.length :].contiguous(), whole)
    external = np.concatenate([[-1], known_items.numpy()])[found]
    notes = ["its feed-forward layer is 4 d wide and cannot be made narrower", "no evaluator of its own"]
    return Measured(seconds, None, None, ndcg(external, data.targets), notes=notes)


write_measured(run(read_job()))
