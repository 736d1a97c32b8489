"""Time to quality: how long RecTools needs for its best validation metric, and how long this project needs for it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.data import benchmark_domain, real_tables, size_of, write_sequences
from benchmarks.models import sasrec, task
from benchmarks.options import Options
from benchmarks.parts.run import Clock
from benchmarks.peers.environments import answered, environment
from benchmarks.peers.job import QualityCurve, QualityJob
from benchmarks.tables import Cell, Section
from domains.domain import Domain
from recipes.load import load_recipe
from transfer.interests.views import NoViews
from transfer.runs.pipeline import run_plan
from transfer.runs.plan import make_plan
from transfer.runtime import Runtime
from transfer.training.loop import fit
from transfer.training.settings import TrainingSettings

QUICK_MINUTES = 0.2
"""Training time of the peer in a quick trial."""
COLUMNS = ["", "validation NDCG@10", "reached after, s", "epochs", "ours is faster"]


def run(options: Options) -> list[Section]:
    """RecTools trains for its time, ours until it stops early; late terms need no training."""
    domain = benchmark_domain(options.data, options.quick)
    minutes = QUICK_MINUTES if options.quick else options.minutes
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_sequences(domain, scratch / "data.npz")
        job = QualityJob(str(scratch / "data.npz"), options.machine.cores, 60 * minutes)
        python = environment("rectools", options.cache)
        peer = QualityCurve(**answered(python, "rectools_quality.py", asdict(job), scratch, job.threads))
        best = max(peer.ndcg)
        ours = _ours(domain, job)
        tables = None if options.quick else real_tables(options.data)
        terms = None if tables is None else _terms(tables, scratch)
    after = _first(peer, best)
    notes = [
        f"RecTools: {job.blocks} block, d = {job.dim}, length {job.length}, {job.negatives} negatives, dropout "
        f"{job.dropout}, batch {job.batch_size}, Adam at {job.learning_rate}: what a published SASRec uses on this "
        f"data. It trained for {minutes:g} minutes, {len(peer.ndcg)} epochs; its best epoch counts.",
        "Ours: the first epoch that is as good. Only training counts, not validation after every epoch.",
    ]
    rows: list[list[Cell]] = [
        ["RecTools 0.19 SASRecModel, sampled softmax", best, peer.seconds[after], after + 1, None],
        _row("this project, SASRec with its defaults", best, peer.seconds[after], ours),
    ]
    if terms is not None:
        faster = f"{peer.seconds[after] / terms[1]:,.0f} x" if terms[0] >= best else None
        rows.append(["this project, late terms alone, from files", terms[0], terms[1], 0, faster])
        notes.append(
            "Late terms: everything from raw files to a finished run, with sentence vectors where their encoder is "
            "installed; the metric is that of the half of the validation users that did not find the weights."
        )
    return [Section(f"Seconds to the same quality: {domain.name}, {size_of(domain)}", COLUMNS, rows, notes)]


def _first(curve: QualityCurve, wanted: float) -> int:
    """The first epoch that is as good, or else the best."""
    enough = [epoch for epoch, value in enumerate(curve.ndcg) if value >= wanted]
    return enough[0] if enough else curve.ndcg.index(max(curve.ndcg))


def _row(name: str, best: float, theirs: float, curve: QualityCurve) -> list[Cell]:
    epoch = _first(curve, best)
    faster = f"{theirs / curve.seconds[epoch]:,.1f} x" if curve.ndcg[epoch] >= best else None
    return [name, curve.ndcg[epoch], curve.seconds[epoch], epoch + 1, faster]


def _ours(domain: Domain, job: QualityJob) -> QualityCurve:
    settings, epochs = TrainingSettings(), list[dict[str, Any]]()
    model, work = sasrec(domain, job.length, job.dim), task(domain, job.length, settings)
    fit(model, work, NoViews(), title="quality", epochs=settings.base_epochs, seed=job.seed, log=epochs.append)
    trained = [epoch for epoch in epochs if epoch["epoch"]]
    seconds = np.cumsum([epoch["train_seconds"] for epoch in trained]).tolist()
    return QualityCurve(seconds, [epoch["validation"] for epoch in trained])


def _terms(tables: dict[str, Any], folder: Path) -> tuple[float, float]:
    """Validation metric of late terms alone, and the seconds from files to the finished run."""
    path = folder / "terms.yaml"
    path.write_text(yaml.safe_dump({"sources": [], "target": tables, "variants": ["terms"]}))
    began = time.perf_counter()
    found = run_plan(make_plan(load_recipe(str(path))), folder / "run", Runtime(steps=Clock()))
    seconds = time.perf_counter() - began
    return found.metrics.product.validation, seconds
