"""Opening of a target run from a folder or the hub, optionally with another of its variants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from domains.errors import InputError, suggest
from transfer.report.run_record import ProductRecord
from transfer.runs.artifact import CONFIG
from transfer.runs.artifact_files import TensorFile
from transfer.runs.checkpoints import checkpoint_path, finished_variants, read_finished
from transfer.runs.target_run import TargetRun, read_weights
from transfer.variants import parse_variant

INSIDE = "target"
"""Subfolder of `transfer run` that holds the target run."""


def open_run(place: str | Path, variant: str | None = None) -> TargetRun:
    """Return a target run.

    Args:
        place: its folder, the folder of `transfer run` around it, or a hub id.
        variant: label of another finished variant; default: the product.

    Raises:
        InputError: there is no run, it is damaged, or the variant is not finished or is a control.
    """
    run = TargetRun.load(within_run(place))
    return run if variant is None else with_variant(run, variant)


def within_run(place: str | Path) -> str | Path:
    """Return the folder of the target run within a folder of `transfer run`; any other place is returned as it is."""
    folder = Path(place)
    inside = not (folder / CONFIG).is_file() and (folder / INSIDE / CONFIG).is_file()
    return folder / INSIDE if inside else place


def with_variant(run: TargetRun, label: str) -> TargetRun:
    """Return the run with another finished variant as the product, with its best seed on validation.

    Raises:
        InputError: the variant is not finished in the run's folder, or is a control with another user's interests.
    """
    variant = parse_variant(label, run.recipe.items.channels)
    if variant == run.variant:
        return run
    known = [] if run.folder is None else [run.variant.label, *finished_variants(run.folder)]
    known = [name for name in dict.fromkeys(known) if parse_variant(name, run.recipe.items.channels).is_serving]
    if variant.label not in known or variant.label not in run.metrics.variants or run.folder is None:
        why = (
            "is not finished in this run" if variant.is_serving else "is a control, which is compared and never served"
        )
        raise InputError(
            f"the variant {variant.label!r} {why}",
            location="--variant",
            hint=f"{suggest(label, known)}It has: {', '.join(known)}",
            code="unknown-variant",
        )
    record = run.metrics.variants[variant.label]
    seeds = run.metrics.seeds_of(variant.label) or (0,)  # baselines have no seed; their checkpoints are named 0
    seed = seeds[int(np.argmax(record.selection.values))]
    path = checkpoint_path(run.folder, variant.label, seed, "done")
    file = TensorFile(path, {f"model.{name}": weight for name, weight in read_finished(path).weights.items()})
    weights = read_weights(file, variant, run.recipe, run.features, len(run.vocabulary))
    file.finish()
    channels = run.recipe.items.channels
    serving = {name for name in run.metrics.variants if parse_variant(name, channels).is_serving}
    validation = {name: one.selection.mean for name, one in run.metrics.variants.items() if name in serving}
    product = ProductRecord.of(variant.label, seed, run.metrics.product.metric, validation)
    product = product.model_copy(update={"beaten_by": ()})  # the significance of these leads was not tested
    return replace(run, variant=variant, weights=weights, metrics=run.metrics.model_copy(update={"product": product}))


def interactions_of_items(run: TargetRun) -> npt.NDArray[np.float64]:
    """Return (I,) interactions of each item: of all users, or of training in a copy without users."""
    if run.domain.n_interactions:
        return np.bincount(run.domain.items, minlength=run.domain.n_items).astype(np.float64)
    return np.nan_to_num(run.counts).astype(np.float64)
