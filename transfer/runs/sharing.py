"""Verification of an artifact's files, acceptance of changed files, and copies of a run without users."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from domains.disk import whole_folder
from domains.domain import Domain
from domains.errors import RunError
from domains.split import Split
from transfer.files import alone_in
from transfer.runs.artifact import FILES, Artifact, kind_of
from transfer.runs.artifact_files import Difference, differences, write_manifest
from transfer.runs.plan import make_split
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import TargetRun
from transfer.terms.item_pairs import shared_users


def open_any(folder: Path) -> Artifact:
    """Open and check the artifact in a folder, source or target.

    Raises:
        InputError: there is no artifact, or it is damaged or changed.
    """
    kind = kind_of(folder)
    kinds: dict[str, type[Artifact]] = {"source": SourceArtifact, "target": TargetRun}
    if kind not in kinds:
        raise RunError(f"this release does not know {kind} artifacts", location=folder, code="run-kind")
    return kinds[kind].read(folder)


def verify(folder: Path) -> list[Difference]:
    """Return the differences from the manifest. If there are none, also check the contents.

    Raises:
        InputError: there is no artifact or manifest, or the contents of unchanged files are wrong.
    """
    kind_of(folder)
    found = differences(folder, FILES)
    if all(difference.harmless for difference in found):
        open_any(folder)
    return found


def accept(folder: Path) -> Artifact:
    """Write a new manifest of the files as they are now.

    Raises:
        InputError: there is no artifact, a run is writing to it, or its contents cannot be used.
    """
    kind_of(folder)
    with alone_in(folder):
        write_manifest(folder, FILES)
    return open_any(folder)


def check_outside(run: TargetRun, place: Path) -> None:
    """Raise if a file or folder would be written into the run's own folder, which could not be resumed then.

    Raises:
        InputError: it would.
    """
    if run.folder is not None and place.resolve().is_relative_to(run.folder.resolve()):
        raise RunError(
            f"this place is inside the run {run.folder}, which must hold nothing else",
            location=place,
            hint="Choose a place outside",
            code="folder-in-use",
        )


FEWEST_COUNTS = 3.0
"""Rarer transitions are left out. Without repeats, a user adds at most 1 to a transition."""


def share(run: TargetRun, folder: Path) -> TargetRun:
    """Write a copy without users: their ids, histories, ranks and the example user are left out.

    Aggregates stay: weights, how often each item was chosen, and means of metrics. The copy recommends for histories
    and interests; it cannot be evaluated again.

    Args:
        run: a run that was read from a folder.
        folder: folder for the copy; must be new or empty.

    Raises:
        InputError: the folder is not empty, is inside the run or cannot be written, or the run is such a copy already.
    """
    if not run.domain.n_users:
        raise RunError(
            "this is a shared copy already: it holds no users",
            location=run.folder,
            hint="Copy the folder as it is",
            code="run-without-users",
        )
    check_outside(run, folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = "this folder is not empty" if folder.is_dir() else "this is a file, not a folder"
        raise RunError(found, location=folder, hint="Choose a new folder", code="folder-in-use")
    metrics, split = run.metrics.model_copy(update={"example_user": ""}), make_split(run.domain, run.recipe)
    copy = replace(
        run,
        domain=without_users(run.domain),
        follows=_of_several(run.follows),
        companions=_common(split, run.companions),
        taste=_common(split, run.taste),
        recent=None if run.recent is None else np.where(run.counts < FEWEST_COUNTS, np.float32(0), run.recent),
        metrics=metrics,
    )
    with whole_folder(folder) as unfinished:
        copy.save_pretrained(unfinished)
    return replace(copy, folder=folder)


def _of_several(follows: csr_matrix) -> csr_matrix:
    """Return the transitions that several users share; one user's own would give away parts of a history."""
    kept = follows.copy()
    kept.data[kept.data < FEWEST_COUNTS] = 0
    kept.eliminate_zeros()
    return kept


def _common(split: Split, pairs: csr_matrix) -> csr_matrix:
    """Return the pairs of items that several users share, by the users themselves: counts hold repeats."""
    several = shared_users(split, pairs) >= FEWEST_COUNTS
    kept = pairs.multiply(several).tocsr()
    kept.eliminate_zeros()
    return kept.astype(np.float32)


def without_users(domain: Domain) -> Domain:
    """Return the domain with its items and without users."""
    return replace(
        domain,
        user_ids=domain.user_ids[:0],
        offsets=np.zeros(1, np.int64),
        items=np.zeros(0, np.int32),
        times=np.zeros(0, np.int64),
    )
