"""SASRec against the SASRecs of other toolkits: epoch, evaluation, memory, and the metric after equal epochs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.data import benchmark_domain, write_sequences
from benchmarks.options import Options
from benchmarks.peers.environments import environment, run_peer
from benchmarks.peers.job import Job, Measured
from benchmarks.tables import Cell, Section

OURS = "this project"
LEARNING_RATE = 0.001
PEERS = {
    "RecBole 1.2.1 SASRec": ("recbole", "recbole_sasrec.py", (50,)),
    "RecTools 0.19 SASRecModel": ("rectools", "rectools_model.py", (50, 200)),
    "RecTools 0.19 fast_transformers": ("rectools", "rectools_fast.py", (50, 200)),
    OURS: ("", "ours.py", (50, 200)),
}
"""Environment (none: this one), script, and lengths; RecBole pads every target's row, which at 200 takes an hour."""


def run(options: Options) -> list[Section]:
    """One table a length."""
    domain = benchmark_domain(options.data, options.quick)
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_sequences(domain, scratch / "data.npz")
        for length in (50, 200):
            job = Job(str(scratch / "data.npz"), length, options.epochs, options.machine.cores, LEARNING_RATE)
            found = {}
            for name, (place, script, lengths) in PEERS.items():
                if length in lengths:
                    python = environment(place, options.cache) if place else Path(sys.executable)
                    found[name] = run_peer(python, script, job, scratch)
            size = f"{domain.n_users:,} users, {domain.n_items:,} items, {domain.n_interactions:,} interactions"
            title = f"Maximum length {length}: {domain.name}, {size}"
            sections.append(Section(title, list(COLUMNS), _rows(found), _notes(found, job)))
    return sections


COLUMNS = ("", "epoch, s", "ours is faster", "full ranking, s", "ours is faster", "999 negatives, s", "ours is faster",
           "NDCG@10", "peak MB")  # fmt: skip


def _rows(found: dict[str, Measured]) -> list[list[Cell]]:
    ours = found[OURS]
    return [
        [
            name,
            peer.train_seconds,
            _times(peer.train_seconds, ours.train_seconds),
            peer.full_seconds,
            _times(peer.full_seconds, ours.full_seconds),
            peer.sampled_seconds,
            _times(peer.sampled_seconds, ours.sampled_seconds),
            peer.ndcg,
            peer.peak_mb,
        ]
        for name, peer in found.items()
    ]


def _times(theirs: float | None, ours: float | None) -> str | None:
    return None if theirs is None or ours is None else f"{theirs / ours:,.1f} x"


def _notes(found: dict[str, Measured], job: Job) -> list[str]:
    common = (
        f"d = {job.dim}, {job.blocks} blocks, {job.heads} head, dropout {job.dropout}, batch {job.batch_size}, binary "
        f"cross-entropy with one negative, Adam at {job.learning_rate}; the fastest of {job.epochs} epochs. Trained on "
        "all but the last two items of a user; NDCG@10 of the last but one in the full ranking without the history."
    )
    return [common, *(f"{name}: {note}" for name, peer in found.items() for note in peer.notes)]
