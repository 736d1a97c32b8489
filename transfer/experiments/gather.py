"""Gather the record of an experiment: metrics and learning curves of its cells, and where it was made."""

from __future__ import annotations

import json
import os
import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from recipes.experiment_schema import LoadedExperiment, published
from recipes.load import bundled_experiments, bundled_recipes
from recipes.schema import Recipe
from transfer.evaluation.summary import SeedRankings, compare_all
from transfer.evaluation.target_groups import target_groups
from transfer.experiments.anchor_map import anchor_map, overlaps, source_anchors
from transfer.experiments.jobs import Cell
from transfer.experiments.users import (
    METRIC,
    base_gains,
    case_studies,
    grouped,
    history_lengths,
    known_anchors,
    thresholds,
    user_values,
)
from transfer.release import release
from transfer.report.experiment_record import Breakdowns, CellRecord, Curve, Made, PublishedFigures
from transfer.report.run_record import Comparison, RunRecord, common_threads
from transfer.runs.adapt import adapt_target
from transfer.runs.artifact import LOG
from transfer.runs.checks import compared_labels
from transfer.runs.pipeline import run_of
from transfer.runs.plan import make_plan
from transfer.runs.results import summarise
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime
from transfer.variants import parse_variant


def learning_curves(log: Path) -> dict[str, Curve]:
    """Return one curve for each training phase in a log.

    A resumed run may log an epoch twice; the last entry counts.

    Args:
        log: JSON Lines with ``stage``, ``epoch`` and ``validation``.
    """
    latest: dict[str, dict[int, dict[str, Any]]] = {}
    for entry in log_entries(log):
        if "validation" not in entry:
            continue
        if entry["epoch"] == 0:
            latest[entry["stage"]] = {}
        latest.setdefault(entry["stage"], {})[entry["epoch"]] = entry
    return {stage: _curve(epochs) for stage, epochs in latest.items()}


def log_entries(log: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a training log, none if there is no log. Lines that a killed process left are ignored."""
    if not log.is_file():
        return
    for line in log.read_text(encoding="utf-8").splitlines():
        with suppress(json.JSONDecodeError):
            yield json.loads(line)


def _curve(epochs: dict[int, dict[str, Any]]) -> Curve:
    order = sorted(epochs)
    return Curve(
        epoch=tuple(float(number) for number in order),
        validation=tuple(float(epochs[number]["validation"]) for number in order),
        seconds=tuple(float(epochs[number].get("train_seconds", 0.0)) for number in order),
    )


def made_note(loaded: LoadedExperiment, device: torch.device, quick: bool, overrides: Sequence[str]) -> Made:
    """Return date, machine, versions, and the command that reproduces the results."""
    return Made(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=machine_name(device),
        torch=torch.__version__,
        release=release(),
        quick=quick,
        command=_command(loaded, quick, overrides),
    )


def machine_name(device: torch.device) -> str:
    """Return the processor, its cores, and the GPU if there is one."""
    cores = os.cpu_count() or 1
    machine = f"{_processor()}, {cores} cores"
    return machine if device.type == "cpu" else f"{torch.cuda.get_device_name(device)}; {machine}"


def _processor() -> str:
    """Return the processor's model name on Linux, and Python's description elsewhere."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _command(loaded: LoadedExperiment, quick: bool, overrides: Sequence[str]) -> str:
    bundled = bundled_recipes() | bundled_experiments()
    name = loaded.path.stem if bundled.get(loaded.path.stem) == loaded.path else loaded.path.name
    options = [*(part for override in overrides for part in ("--set", override)), *(["--quick"] if quick else [])]
    return shlex.join(["transfer", "experiment", name, *options])


def gather(cell: Cell, source_folder: Path, folder: Path, runtime: Runtime) -> CellRecord:
    """Write the target run of a cell and return its part of the record.

    Args:
        cell: the cell; all its variants and seeds are finished.
        source_folder: its source artifact.
        folder: its target run.
        runtime: device.
    """
    recipe = cell.main.recipe
    cutoffs = recipe.evaluation.cutoffs
    source = SourceArtifact.read(source_folder)
    plan = make_plan(cell.main, source, with_sources=True)
    adapted = adapt_target(plan, source, folder, runtime)
    run = run_of(plan, source, adapted)
    run.write(folder)
    metrics = run.metrics
    sampled = _sampled(adapted.rankings, recipe)
    rankings = dict(adapted.rankings)
    if cell.extra is not None:
        extra = make_plan(cell.extra, source)
        more = adapt_target(extra, source, folder, runtime)
        new = [name for name in more.rankings if name not in rankings]
        metrics = _with_extra(metrics, summarise(extra, more), new)
        sampled += _of_any(new, _sampled(more.rankings, recipe))
        rankings = {**more.rankings, **rankings}
    groups = target_groups(rankings, adapted.split, cutoffs)
    changed = {
        "comparisons": (*metrics.comparisons, *sampled),
        "target_groups": groups,
        "threads": common_threads(metrics.variants.values()),
    }
    metrics = RunRecord(**dict(metrics) | changed)
    bases = {name: variant.base for name, variant in metrics.variants.items() if variant.base is not None}
    seeds = {name: metrics.few_seeds.get(name, metrics.seeds) for name in rankings}
    counts = known_anchors(adapted)
    values, gains = user_values(rankings, METRIC, cutoffs), base_gains(rankings, seeds, bases, cutoffs)
    theirs = source_anchors(plan, source.vocabulary)
    return CellRecord(
        key=cell.key,
        label=cell.label,
        protocol_name=cell.protocol,
        recipe=recipe.name,
        description=recipe.description,
        sources=tuple(note.name for note in source.domains),
        loss=recipe.training.loss,
        metrics=metrics,
        published=None if cell.published is None else PublishedFigures(**published(cell.published).as_dict()),
        breakdowns=Breakdowns(
            history=grouped(values, gains, history_lengths(adapted.split)),
            known_anchors=grouped(values, gains, counts),
        ),
        thresholds=thresholds(rankings, counts, cell.thresholds, cutoffs),
        curves=learning_curves(folder / LOG),
        overlap=overlaps(plan.domain.name, adapted.items.anchors, theirs),
        anchor_map=anchor_map(source.vocabulary, adapted.items.anchors, theirs, source.s2idm),
        cases=tuple(case_studies(source, adapted, runtime)),
    )


def _with_extra(metrics: RunRecord, more: RunRecord, new: Sequence[str]) -> RunRecord:
    """Add the variants with fewer seeds, and their comparisons. One of them may be the base of another variant."""
    variants = {
        name: variant.model_copy(update={"base": more.variants[name].base}) if name in more.variants else variant
        for name, variant in (more.variants | metrics.variants).items()
    }
    variants = {name: variants[name] for name in (*metrics.variants, *new)}
    return RunRecord(
        **{
            **dict(metrics),
            "variants": variants,
            "comparisons": (*metrics.comparisons, *_of_any(new, more.comparisons)),
            "skipped": {**more.skipped, **metrics.skipped},
            "few_seeds": dict.fromkeys(new, more.seeds),
        }
    )


def _of_any(new: Sequence[str], comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with a variant of fewer seeds; the other comparisons used all seeds."""
    return [one for one in comparisons if one.variant in new or one.baseline in new]


def _sampled(rankings: Mapping[str, SeedRankings], recipe: Recipe) -> list[Comparison]:
    """Compare in the sampled protocol too, as the published figures do."""
    pairs = compared_labels([parse_variant(name, recipe.items.channels) for name in rankings])
    return compare_all(pairs, rankings, "sampled/ndcg@10", recipe.evaluation.cutoffs)
