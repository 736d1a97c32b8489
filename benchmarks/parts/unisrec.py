"""Titles without our toolkit: RecTools' UniSRecModel, trained on the source or on the target itself."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.data import benchmark_domain
from benchmarks.options import Options
from benchmarks.peers.environments import answered, environment
from benchmarks.peers.job import TextJob, TextMeasured, Titled, write_titled
from benchmarks.tables import Cell, Section
from domains.domain import Domain
from domains.split import fewer_users, leave_one_out
from transfer.items.sentence_vectors import Semantics
from transfer.runtime import Runtime
from vocab.encoder.sentence_encoder import SemanticSettings

PAIRS = (
    ("goodbooks", "movietweetings"),
    ("movietweetings", "goodbooks"),
    ("amazon_toys", "amazon_games"),
    ("amazon_games", "amazon_toys"),
)
LENGTH = 50
FEW = 0.05
SCRIPT = "rectools_unisrec.py"


def run(options: Options) -> list[Section]:
    """One row a target: nothing, 5 % and all of its users train."""
    semantics = Semantics.find(SemanticSettings(), Runtime())
    if semantics is None:
        raise SystemExit('This part reads titles: install the extra "semantic".')
    python = environment("rectools", options.cache)
    rows: list[list[Cell]] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for source, target in _pairs(options):
            learns = _write(scratch / "source.npz", source, semantics)
            ranks = _write(scratch / "target.npz", target, semantics)
            few = _write(scratch / "few.npz", target, semantics, FEW)
            cells: list[Cell] = [f"{source.name} to {target.name}"]
            for job_learns, job_ranks, epochs in (
                (learns, ranks, options.epochs),
                (few, few, round(options.epochs / FEW)),
                (ranks, ranks, options.epochs),
            ):
                job = TextJob(str(job_learns), str(job_ranks), LENGTH, epochs, options.machine.cores)
                measured = TextMeasured(**answered(python, SCRIPT, asdict(job), scratch, job.threads))
                cells.append(f"{measured.ndcg:.4f} / {measured.hit:.4f} ({measured.train_seconds:,.0f} s)")
            rows.append(cells)
    columns = [
        "NDCG@10 / Hit@10, all items (training)",
        "learned on the source",
        f"{FEW:.0%} of the users",
        "all users",
    ]
    notes = [
        f"rectools 0.19 UniSRecModel with its defaults, but width 64 and length {LENGTH}; {options.epochs} epochs, at "
        f"{FEW:.0%} of the users as many steps. Sentence vectors as in this project, before whitening. Test items of "
        "all users, leave-one-out.",
        "Beside it: the few-shot tables of the results page.",
    ]
    return [Section("UniSRec as RecTools ships it", columns, rows, notes)]


def _pairs(options: Options) -> list[tuple[Domain, Domain]]:
    if options.quick:
        return [(benchmark_domain(options.data, True),) * 2]
    folder = options.data.parent
    there = [pair for pair in PAIRS if all((folder / name).is_dir() for name in pair)]
    return [(_open(folder / source), _open(folder / target)) for source, target in there]


def _open(folder: Path) -> Domain:
    return benchmark_domain(folder, False)


def _write(path: Path, domain: Domain, semantics: Semantics, share: float = 1.0) -> Path:
    split = leave_one_out(domain, short_users="train")
    split = split if share == 1 else fewer_users(split, share, 0)
    trains = np.zeros(domain.n_users, dtype=bool)
    trains[split.training_users] = True
    write_titled(path, Titled(domain.offsets, domain.items, semantics.titles(domain).numpy(), trains))
    return path
