"""What equal epochs teach: the metric of our SASRec beside the fastest peer's, after a few epochs and after more."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.data import benchmark_domain, size_of, write_sequences
from benchmarks.options import Options
from benchmarks.parts.peers import LEARNING_RATE, OURS, PEERS, python_of
from benchmarks.peers.environments import run_peer
from benchmarks.peers.job import Job
from benchmarks.tables import Cell, Section

LENGTH = 50
EPOCHS = (3, 15)
SEEDS = (0, 1)
COMPARED = ("RecTools 0.19 SASRecModel", OURS)


def run(options: Options) -> list[Section]:
    """A row for each, a column for each number of epochs."""
    domain = benchmark_domain(options.data, options.quick)
    rows: list[list[Cell]] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_sequences(domain, scratch / "data.npz")
        job = Job(str(scratch / "data.npz"), LENGTH, 0, options.machine.cores, LEARNING_RATE)
        for name in COMPARED:
            peer, row = PEERS[name], list[Cell]([name])
            python = python_of(peer, options.cache)
            for epochs in EPOCHS:
                jobs = [replace(job, epochs=epochs, seed=seed, **peer.changes) for seed in SEEDS]
                row.append(", ".join(f"{run_peer(python, peer.script, one, scratch).ndcg:.4f}" for one in jobs))
            rows.append(row)
    columns = ["NDCG@10, one value a seed", *(f"{epochs} epochs" for epochs in EPOCHS)]
    notes = [
        f"Maximum length {LENGTH}; binary cross-entropy with one negative, Adam at {job.learning_rate}, batch "
        f"{job.batch_size}, d = {job.dim}, {job.blocks} blocks, dropout {job.dropout}: the same for both. Full ranking "
        "of the last item but one; times are in the part `peers`.",
    ]
    return [Section(f"The metric after equal epochs: {domain.name}, {size_of(domain)}", columns, rows, notes)]
