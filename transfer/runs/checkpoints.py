"""Checkpoints, from which a killed run resumes: finished variants, and states of trainings between epochs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from domains.errors import RunError
from transfer.evaluation.protocol import Stage
from transfer.evaluation.ranking import Ranking
from transfer.files import read_json, read_sealed, write_json, write_sealed
from transfer.report.run_record import KeptEpochs
from transfer.runs.artifact import CHECKPOINTS, FORMAT_VERSION
from transfer.runtime import Runtime
from transfer.training.epochs import SUFFIX, Checkpoint

PLAN = "plan.json"
KEPT = "kept_epochs"
"""Key of the kept epochs among the facts of a finished variant."""
THREADS = "threads"
"""Key of the number of CPU threads among the facts of a finished variant."""


@dataclass(frozen=True, eq=False)
class FinishedVariant:
    """A finished variant of one seed.

    Attributes:
        weights: state of the model; empty for baselines.
        rankings: rankings by stage.
        kept: kept epoch of each training phase; None for baselines.
        threads: CPU threads of the process that finished it; None in files of earlier releases.
    """

    weights: dict[str, Tensor]
    rankings: dict[Stage, Ranking]
    kept: KeptEpochs | None = None
    threads: int | None = None


def checkpoint_path(run: Path, variant: str, seed: int, part: str) -> Path:
    """Return the file of a part (``base``, ``done``) of a variant and seed in the folder of a run."""
    return run / CHECKPOINTS / variant / f"seed-{seed}.{part}.safetensors"


def finished_variants(run: Path) -> list[str]:
    """Return the labels of the finished variants in the folder of a run, in alphabetical order."""
    return sorted({path.parent.name for path in (run / CHECKPOINTS).glob("*/*.done.safetensors")})


def read_finished(path: Path) -> FinishedVariant:
    """Read a finished variant from its file.

    Raises:
        InputError: it is missing, damaged, or not of a finished variant.
    """
    tensors, facts = read_sealed(path)
    stages: tuple[Stage, Stage] = ("validation", "test")
    try:
        rankings = {stage: _ranking(tensors, f"ranks.{stage}.") for stage in stages}
        kept = KeptEpochs.model_validate_json(facts[KEPT]) if KEPT in facts else None
        threads = int(facts[THREADS]) if THREADS in facts else None
    except (KeyError, ValueError) as error:
        problem = f"lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise RunError(
            f"this is no finished variant: {problem}",
            location=path,
            hint="Delete it; the next run writes it again",
            code="run-damaged",
        ) from None
    weights = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
    return FinishedVariant(weights, rankings, kept, threads)


class Checkpoints:
    """The folder of a run's checkpoints.

    Args:
        folder: folder of the run.
        plan: all settings and data that determine the results; a folder with another plan is an error.
        runtime: of its processes only the first writes. The others wait for it, so that all see the same files.
        replaces: delete the checkpoints of another plan instead of raising.

    Raises:
        InputError: the folder holds checkpoints of another plan.
    """

    def __init__(
        self, folder: Path, plan: Mapping[str, Any], runtime: Runtime | None = None, replaces: bool = False
    ) -> None:
        self.folder, self.runtime = folder / CHECKPOINTS, runtime or Runtime()
        self.writes = self.runtime.is_main
        facts = json.dumps({"format": FORMAT_VERSION, **plan}, sort_keys=True)
        self.digest = digest = hashlib.sha256(facts.encode()).hexdigest()
        found = self.folder / PLAN
        if self.writes or not replaces:  # with `replaces`, the first process removes the file meanwhile
            other = found.exists() and _digest_in(found) != digest
            if other and not replaces:
                raise RunError(
                    "this folder holds results of other settings or data, or of another release",
                    location=folder,
                    hint="Choose another --out, or delete the folder",
                    code="run-differs",
                )
            if other:
                shutil.rmtree(self.folder)
        if self.writes:
            write_json(found, {"digest": digest})
        self.runtime.wait()

    def _path(self, variant: str, seed: int, part: str) -> Path:
        return checkpoint_path(self.folder.parent, variant, seed, part)

    def checkpoint(self, variant: str, seed: int, phase: str) -> Checkpoint:
        """Return the checkpoint of a training phase."""
        # A file for each phase: whoever resumes the second one removes that of the first, which is finished.
        path = self.folder / variant / f"seed-{seed}.{phase}{SUFFIX}"
        return Checkpoint(path, f"{self.digest} {variant} {seed} {phase}", self.writes)

    def forget(self, variant: str, seed: int, phase: str) -> None:
        """Remove the checkpoint of a finished phase."""
        self.checkpoint(variant, seed, phase).remove()

    def weights(self, variant: str, seed: int, part: str) -> dict[str, Tensor] | None:
        """Return the kept weights, or None."""
        found = self.weights_with_facts(variant, seed, part)
        return None if found is None else found[0]

    def weights_with_facts(self, variant: str, seed: int, part: str) -> tuple[dict[str, Tensor], dict[str, str]] | None:
        """Return the kept weights and the facts about them, or None."""
        path = self._path(variant, seed, part)
        return read_sealed(path) if path.exists() else None

    def keep_weights(
        self, variant: str, seed: int, part: str, weights: Mapping[str, Tensor], facts: Mapping[str, str] | None = None
    ) -> None:
        """Save weights and facts about them. Every process must call it."""
        if self.writes:
            write_sealed(self._path(variant, seed, part), weights, facts)
        self.runtime.wait()

    def get(self, variant: str, seed: int) -> FinishedVariant | None:
        """Return a finished variant, or None."""
        path = self._path(variant, seed, "done")
        return read_finished(path) if path.exists() else None

    def keep(self, variant: str, seed: int, finished: FinishedVariant) -> None:
        """Save a finished variant in one atomic file."""
        tensors = {f"model.{name}": tensor for name, tensor in finished.weights.items()}
        for stage, ranking in finished.rankings.items():
            for field in _FIELDS:
                tensors[f"ranks.{stage}.{field}"] = torch.from_numpy(getattr(ranking, field))
            for field in _OPTIONAL:
                if getattr(ranking, field) is not None:
                    tensors[f"ranks.{stage}.{field}"] = torch.from_numpy(getattr(ranking, field))
        facts = {} if finished.kept is None else {KEPT: finished.kept.model_dump_json()}
        facts |= {} if finished.threads is None else {THREADS: str(finished.threads)}
        self.keep_weights(variant, seed, "done", tensors, facts)


def _digest_in(path: Path) -> object:
    plan = read_json(path)
    return plan.get("digest") if isinstance(plan, dict) else None


_FIELDS = ("users", "sampled", "full", "sampled_candidates", "full_candidates")
_OPTIONAL = ("recommended", "full_all", "full_all_candidates")
"""Fields of a ranking that may be None."""


def _ranking(tensors: Mapping[str, Tensor], prefix: str) -> Ranking:
    users, sampled, full, sampled_candidates, full_candidates = (tensors[prefix + f].numpy() for f in _FIELDS)
    found = {field: tensors.get(prefix + field) for field in _OPTIONAL}
    optional = {field: None if tensor is None else tensor.numpy() for field, tensor in found.items()}
    return Ranking(
        users=users,
        sampled=sampled,
        full=full,
        sampled_candidates=sampled_candidates,
        full_candidates=full_candidates,
        **optional,
    )
