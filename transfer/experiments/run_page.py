"""The page of one run: the report of an experiment with one table."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

from transfer.experiments.anchor_map import anchor_map, overlaps, source_anchors
from transfer.experiments.gather import learning_curves, machine_name
from transfer.files import write_text
from transfer.release import release
from transfer.report.experiment_record import Breakdowns, CellRecord, ExperimentRecord, Made
from transfer.report.experiment_report import page
from transfer.runs.artifact import LOG
from transfer.runs.plan import Plan
from transfer.runs.target_run import TargetRun

REPORT = "report.html"


def write_run_page(run: TargetRun, plan: Plan, folder: Path, device: torch.device) -> Path:
    """Write the report of a run beside its artifacts, and return its path.

    Args:
        run: the finished target run.
        plan: of the run.
        folder: the folder of `transfer run`, with the run in ``target/``.
        device: that trained.
    """
    metrics, recipe = run.metrics, plan.recipe
    target, sources = run.domain.name, tuple(domain.name for domain in plan.source_domains)
    theirs = source_anchors(plan, run.vocabulary)
    cell = CellRecord(
        key="run",
        label=f"{', '.join(sources)} to {target}" if sources else target,
        protocol_name="",
        recipe=recipe.name,
        description="",
        sources=sources,
        loss=recipe.training.loss,
        metrics=metrics,
        published=None,
        breakdowns=Breakdowns(history=(), known_anchors=()),
        thresholds=(),
        curves=learning_curves(folder / "target" / LOG),
        overlap=overlaps(run.domain.name, run.item_anchors, theirs),
        anchor_map=anchor_map(run.vocabulary, run.item_anchors, theirs, run.s2idm),
        cases=(),
    )
    made = Made(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=machine_name(device),
        torch=torch.__version__,
        release=release(),
        quick=False,
        command=shlex.join(["transfer", *sys.argv[1:]]),
    )
    record = ExperimentRecord(
        name=recipe.name or target,
        description=recipe.description,
        made=made,
        cells=(cell,),
        unfinished=(),
        reference=(),
        cost=None,
    )
    path = folder / REPORT
    write_text(path, page(record))
    return path
