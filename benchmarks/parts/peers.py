"""SASRec against the SASRecs of other toolkits: epoch, evaluation, memory, and the metric after equal epochs."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import benchmark_domain, size_of, write_sequences
from benchmarks.options import Options
from benchmarks.peers.environments import environment, run_peer
from benchmarks.peers.job import Ints, Job, Measured
from benchmarks.tables import Cell, Section

LEARNING_RATE = 0.001


@dataclass(frozen=True)
class Peer:
    """A toolkit's way to do the job.

    Attributes:
        script: file name in `benchmarks.peers`.
        environment: key of its requirements; empty for this one.
        lengths: at which it runs.
        changes: what it does differently in the job.
    """

    script: str
    environment: str = ""
    lengths: tuple[int, ...] = (50, 200)
    changes: dict[str, Any] = field(default_factory=dict)


OURS = "this project"
PEERS = {
    # RecBole pads the row of every target: at 200 an epoch takes an hour.
    "RecBole 1.2.1 SASRec": Peer("recbole_sasrec.py", "recbole", (50,)),
    "RecTools 0.19 SASRecModel": Peer("rectools_model.py", "rectools"),
    "RecTools 0.19 fast_transformers": Peer("rectools_fast.py", "rectools"),
    OURS: Peer("ours.py"),
    f"{OURS}, bf16": Peer("ours.py", changes={"precision": "bf16"}),
    f"{OURS}, its default loss": Peer("ours.py", changes={"loss": "sampled_softmax"}),
}


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
            for name, peer in PEERS.items():
                if length in peer.lengths:
                    python = python_of(peer, options.cache)
                    found[name] = run_peer(python, peer.script, replace(job, **peer.changes), scratch)
            title = f"Maximum length {length}: {domain.name}, {size_of(domain)}"
            least = epoch_operations(np.diff(domain.offsets) - 3, job) / options.machine.gflops / 1e9
            floor = (
                f"{OURS}: the matrix products of an epoch at the peak of this machine are {least:.2g} s, "
                f"{least / found[OURS].train_seconds:.0%} of what it takes."
            )
            sections.append(Section(title, list(COLUMNS), _rows(found), [*_notes(found, job), floor]))
    return sections


def python_of(peer: Peer, cache: Path) -> Path:
    """The Python that runs a peer's script: of its own environment, or this one."""
    return environment(peer.environment, cache) if peer.environment else Path(sys.executable)


def epoch_operations(inputs: Ints, job: Job) -> float:
    """Floating-point operations of the matrix products of one epoch, without padding.

    Args:
        inputs: (U,) items that a user's sequence feeds the encoder in training, before the job's length cuts them.
        job: width, blocks, length.
    """
    positions = np.clip(inputs, 0, job.length).astype(np.float64)
    layers = 12 * job.dim**2 * positions  # four matrices of attention, two of feed-forward
    attention = 4 * job.dim * positions**2  # scores and mixtures
    forward = job.blocks * float(np.sum(layers + attention))
    return 3 * forward  # the backward pass multiplies twice


COLUMNS = (
    "",
    "epoch, s",
    "ours is faster",
    "full ranking, s",
    "ours is faster",
    "999 negatives, s",
    "ours is faster",
    "NDCG@10",
    "peak MB",
)


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
        f"cross-entropy with one negative where a row does not say otherwise, Adam at {job.learning_rate}; the fastest "
        f"of {job.epochs} epochs. Trained on all but the last two items of a user; NDCG@10 of the last but one in the "
        "full ranking without the history."
    )
    first = [name for name in found if not PEERS[name].changes]
    return [common, *(f"{name}: {note}" for name in first for note in found[name].notes)]
