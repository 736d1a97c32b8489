"""Finished pieces of a run (one variant, one seed) and checkpoints between: a killed run goes on where it stopped."""

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
from transfer.runs.artifact import PIECES
from transfer.training.epochs import SUFFIX, Checkpoint

PLAN = "plan.json"
KEPT = "kept_epochs"
"""Key of the kept epochs among the facts of a piece."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A finished variant of one seed.

    Attributes:
        weights: state of the model; empty for baselines.
        rankings: by stage.
        kept: the kept epoch of each training phase; None for baselines.
    """

    weights: dict[str, Tensor]
    rankings: dict[Stage, Ranking]
    kept: KeptEpochs | None = None


def piece_path(run: Path, variant: str, seed: int, part: str) -> Path:
    """Where the folder of a run keeps a part (``base``, ``done``) of a variant and seed."""
    return run / PIECES / variant / f"seed-{seed}.{part}.safetensors"


def finished_variants(run: Path) -> list[str]:
    """Variants of which the folder of a run keeps a finished piece, in alphabetical order."""
    return sorted({path.parent.name for path in (run / PIECES).glob("*/*.done.safetensors")})


def read_piece(path: Path) -> Piece:
    """A finished piece from its file."""
    tensors, facts = read_sealed(path)
    stages: tuple[Stage, Stage] = ("validation", "test")
    rankings = {stage: _ranking(tensors, f"ranks.{stage}.") for stage in stages}
    weights = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
    return Piece(weights, rankings, KeptEpochs.model_validate_json(facts[KEPT]) if KEPT in facts else None)


class Pieces:
    """The folder of a run's finished pieces.

    Args:
        folder: of the run.
        plan: whatever decides the outcome of a piece; a folder with another plan is refused.
        writes: whether this process writes.
        replaces: start anew in a folder with another plan, in place of refusing it.

    Raises:
        InputError: the folder holds pieces of another plan.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any], writes: bool = True, replaces: bool = False) -> None:
        self.folder, self.writes = folder / PIECES, writes
        self.digest = digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
        found = self.folder / PLAN
        other = found.exists() and _digest_in(found) != digest
        if other and replaces and writes:
            shutil.rmtree(self.folder)
        elif other:
            raise RunError(
                "this folder holds results of other settings or data",
                location=folder,
                hint="Choose another --out, or delete the folder",
            )
        if writes:
            write_json(found, {"digest": digest})

    def clear(self) -> None:
        """Remove everything: what was made of it is kept elsewhere."""
        if self.writes:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, variant: str, seed: int, part: str) -> Path:
        return piece_path(self.folder.parent, variant, seed, part)

    def checkpoint(self, variant: str, seed: int, phase: str) -> Checkpoint:
        """Where a phase of training keeps its state until the piece is finished."""
        path = piece_path(self.folder.parent, variant, seed, phase).with_suffix("").with_suffix(SUFFIX)
        return Checkpoint(path, f"{self.digest} {variant} {seed} {phase}", self.writes)

    def forget(self, variant: str, seed: int, phase: str) -> None:
        """Remove the state of a phase whose result is kept."""
        self.checkpoint(variant, seed, phase).remove()

    def weights(self, variant: str, seed: int, part: str) -> dict[str, Tensor] | None:
        """Weights that were kept, or None."""
        found = self.weights_with_facts(variant, seed, part)
        return None if found is None else found[0]

    def weights_with_facts(self, variant: str, seed: int, part: str) -> tuple[dict[str, Tensor], dict[str, str]] | None:
        """Weights that were kept and what was noted about them, or None."""
        path = self._path(variant, seed, part)
        return read_sealed(path) if path.exists() else None

    def keep_weights(
        self, variant: str, seed: int, part: str, weights: Mapping[str, Tensor], facts: Mapping[str, str] | None = None
    ) -> None:
        """Keep weights and notes about them."""
        if self.writes:
            write_sealed(self._path(variant, seed, part), weights, facts)

    def get(self, variant: str, seed: int) -> Piece | None:
        """A finished piece, or None."""
        path = self._path(variant, seed, "done")
        return read_piece(path) if path.exists() else None

    def keep(self, variant: str, seed: int, piece: Piece) -> None:
        """Keep a finished piece, in one atomic file."""
        tensors = {f"model.{name}": tensor for name, tensor in piece.weights.items()}
        for stage, ranking in piece.rankings.items():
            for field in _FIELDS:
                tensors[f"ranks.{stage}.{field}"] = torch.from_numpy(getattr(ranking, field))
            for field in _OPTIONAL:
                if getattr(ranking, field) is not None:
                    tensors[f"ranks.{stage}.{field}"] = torch.from_numpy(getattr(ranking, field))
        facts = None if piece.kept is None else {KEPT: piece.kept.model_dump_json()}
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
    return Ranking(users, sampled, full, sampled_candidates, full_candidates, **optional)
