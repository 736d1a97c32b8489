"""adapt-target: anchors, interests, and every variant with the same budget; all evaluated under both protocols."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from domains.errors import InputError
from domains.split import Split
from recipes.schema import Recipe, resolved
from recipes.settings import SEMANTIC_CHANNELS, Channel
from transfer.runs.artifact import LOG, UNSEEN
from transfer.evaluation.ranking import Ranking
from transfer.evaluation.summary import STAGES, SeedRankings
from transfer.files import JsonLines
from transfer.interests.space import reading_vectors
from transfer.items.features import item_features
from transfer.items.semantics import Semantics
from transfer.items.tower import ItemFeatures
from transfer.model.interests import InterestFactory
from transfer.report.record import KeptEpochs
from transfer.runs.opened import make_split
from transfer.runtime import Runtime
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.mapped_items import MappedItems, map_items
from transfer.runs.checkpoints import Pieces
from transfer.runs.checks import lacking, refuse_blind_split, refuse_own_source, trained_variants
from transfer.runs.worker import Worker
from transfer.training.loop import Log, Task
from transfer.variants import BASELINES, WAYS, Variant, base_name


@dataclass(frozen=True, eq=False)
class Adapted:
    """Everything that adapting to a target found out.

    Attributes:
        split: of the target.
        items: its items on the anchors.
        features: of its items.
        interest_vectors: (q, s) by which prompts read interests; None where they read the anchors.
        rankings: by variant.
        weights: by variant, the seed that validation prefers.
        best_seed: by variant.
        validation: selecting metric of every seed by variant, over the users that train.
        product: the trained variant that validation prefers; never one of another user's interests, which serve nobody.
        skipped: variants that lack what they are made of, and why.
        kept_epochs: by trained variant, the kept epoch of each training phase, one entry a seed.
    """

    split: Split
    items: MappedItems
    features: ItemFeatures
    interest_vectors: Tensor | None
    rankings: dict[str, SeedRankings]
    weights: dict[str, dict[str, Tensor]]
    best_seed: dict[str, int]
    validation: dict[str, list[float]]
    product: Variant
    skipped: dict[str, str]
    kept_epochs: Mapping[str, tuple[KeptEpochs, ...]] = field(default_factory=dict)


def adapt_target(source: SourceArtifact, recipe: Recipe, domain: Domain, out: Path, runtime: Runtime) -> Adapted:
    """Train and evaluate every variant and seed of a recipe on a target domain.

    Args:
        source: vocabulary and frozen S2IDM.
        recipe: settings.
        domain: the target.
        out: folder of the run; finished pieces in it are not made again.
        runtime: device, processes, progress.

    Raises:
        InputError: the target shares no anchor with the source, or a variant cannot be made.
    """
    refuse_own_source(domain, recipe, {note.fingerprint for note in source.domains})
    mapped = map_items(source, recipe, domain, runtime)
    if mapped.anchors.nnz == 0:
        raise InputError(
            f"none of its {domain.n_items:,} items has an anchor of the source artifact", location=domain.name,
            hint="Use sources whose titles are in the same language, or fit them with this target's titles as well "
            "(target_titles), which helps where words recur in them (vocabulary.min_items)",
        )  # fmt: skip
    runtime.progress.say(f"{domain.name}: {str(mapped.coverage).splitlines()[0]}")
    variants = trained_variants(recipe)
    split = make_split(domain, recipe)
    refuse_blind_split(split)
    domain = split.domain
    skipped = _skipped(variants, source, recipe, mapped.semantics)
    variants = [v for v in variants if v.name not in skipped]
    if not variants:
        raise InputError(
            "no trained variant can be made: each needs a sentence encoder, or a source encoder in the artifact",
            location="variants", hint='Install the extra "sememe-transfer[semantic]", or set source_encoder.channels',
        )  # fmt: skip
    trained = {v.name: v for v in variants}
    idf, semantics = source.vocabulary.idf, mapped.semantics
    features = item_features(
        domain, mapped.anchors, idf, _channels(recipe, variants, semantics), source.vectors(semantics), semantics,
        recipe.semantic.whitening,
    )  # fmt: skip
    if split.new_items is not None:
        features = replace(features, known=torch.from_numpy(~split.new_items))
    scratch = out / f"scratch-{runtime.rank}-{os.getpid()}"
    read = reading_vectors(recipe.prompts, source.vectors(semantics), idf, recipe.semantic.whitening)
    factory = InterestFactory(
        domain, mapped.anchors, idf, source.s2idm, source.interests, runtime.device, scratch, read
    )
    task = Task(split, recipe.encoder.max_length, recipe.training, recipe.evaluation, runtime)
    pieces = Pieces(out, _plan(source, recipe, domain, mapped), runtime.is_main)
    worker = Worker(source, recipe, task, features, factory, pieces, _log(out, runtime))
    for name, reason in skipped.items():
        runtime.progress.say(f"Skipped {name}: {reason}")
    made = _every_piece(worker, recipe, trained)
    of_equals = _fewer_parts if len(split.training_users) else _without_training
    product = max(
        [variant for variant in variants if variant.serves] or variants,
        key=lambda variant: (np.mean(made.validation[variant.name]), of_equals(variant)),
    )
    shutil.rmtree(scratch, ignore_errors=True)
    if runtime.is_main and mapped.unseen is not None:
        mapped.unseen.save(out / UNSEEN)
    return Adapted(
        split, mapped, features, read, made.rankings, made.weights, made.best_seed, made.validation, product, skipped
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Made:
    """What every variant and seed gave, by variant; baselines have rankings alone."""

    rankings: dict[str, SeedRankings] = field(default_factory=dict)
    weights: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    best_seed: dict[str, int] = field(default_factory=dict)
    validation: dict[str, list[float]] = field(default_factory=dict)


def _every_piece(worker: Worker, recipe: Recipe, trained: Mapping[str, Variant]) -> _Made:
    """Every variant and seed of a recipe, in its order; of the seeds, validation picks the weights to keep."""
    made = _Made()
    for name in recipe.variants:
        if name in BASELINES:
            piece = worker.baseline(name)
            made.rankings[name] = {stage: [piece.rankings[stage]] for stage in STAGES}
            made.validation[name] = [validation_score(piece.rankings["validation"], worker.task)]
        elif name in trained:
            pieces = [worker.variant(trained[name], seed) for seed in recipe.seeds]
            made.rankings[name] = {stage: [piece.rankings[stage] for piece in pieces] for stage in STAGES}
            scores = [validation_score(piece.rankings["validation"], worker.task) for piece in pieces]
            best = int(np.argmax(scores))
            made.weights[name], made.best_seed[name] = pieces[best].weights, recipe.seeds[best]
            made.validation[name] = scores
    return made


def _fewer_parts(variant: Variant) -> tuple[int, ...]:
    """What makes a variant better than another that validation holds equal; more is better."""
    return (-variant.name.count("+"),)


def _without_training(variant: Variant) -> tuple[int, ...]:
    """What makes a variant better than another where nobody trains and validation is silent; more is better.

    Matching decides: beside it, what a source's encoder says of a new domain only disturbs (see the few-shot results).
    """
    titles = len(SEMANTIC_CHANNELS & set(variant.channels))
    return variant.matching, variant.from_source != variant.matching, titles - ("id" in variant.channels)


def _skipped(
    variants: Sequence[Variant], source: SourceArtifact, recipe: Recipe, semantics: Semantics | None
) -> dict[str, str]:
    """Variants that lack what they are made of, with the reason."""
    titles, anchors = semantics is not None, source.vectors(semantics) is not None
    reasons = {v.name: lacking(v, recipe, titles, anchors, source.learned_encoder) for v in variants}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _channels(recipe: Recipe, variants: Sequence[Variant], semantics: Semantics | None) -> set[Channel]:
    """What has to be known of the items. Matching reads titles where there is an encoder, and does without else."""
    channels = {channel for variant in variants for channel in variant.channels}
    matched = "matching" in recipe.variants or any(variant.matching for variant in variants)
    return channels | {"title-semantic"} if matched and semantics is not None else channels


def validation_score(ranking: Ranking, task: Task) -> float:
    """The selecting metric, over the users that train."""
    protocol, metric = task.training.metric.split("/", 1)
    mine = ranking.only(np.flatnonzero(np.isin(ranking.users, task.split.training_users)))
    return mine.metrics(task.evaluation.cutoffs)[protocol].get(metric, 0.0)


def _plan(source: SourceArtifact, recipe: Recipe, domain: Domain, mapped: MappedItems) -> dict[str, Any]:
    """What decides a piece: everything but which variants and seeds are asked for, and how things are called."""
    settings = resolved(recipe)
    for key in ("variants", "seeds", "name", "description", "sources", "target", "unseen_map"):
        settings.pop(key)
    for key in ("cutoffs", "memory_mb"):
        settings["evaluation"].pop(key)
    return {
        "settings": settings,
        "domain": domain.fingerprint,
        "source": source.fingerprint,
        "anchors": _digest(mapped.anchors),
        "sentence_encoder": None if mapped.semantics is None else mapped.semantics.encoder.fingerprint,
    }


def _digest(matrix: csr_matrix) -> str:
    parts = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float32))
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def _log(out: Path, runtime: Runtime) -> Log:
    if not runtime.is_main:
        return lambda _: None
    return JsonLines(out / LOG, fresh=False)


def pairs_to_compare(names: Sequence[str]) -> list[tuple[str, str]]:
    """Every trained variant against its base, its controls, the first variant, and each baseline that is there.

    With matching it is held against the same without, and against base and controls that have matching as well; with
    diffused interests also against the same with another user's and with raw ones. Fused interests cannot be constant:
    they are held against prompts that are.
    """
    trained = [name for name in names if name not in BASELINES]
    named = {frozenset(name.split("+")): name for name in trained}
    pairs: list[tuple[str, str]] = []
    for name in trained:
        parts, base = set(name.split("+")), set(base_name(name).split("+"))
        late = parts & {"matching"}
        way = parts & set(WAYS) or {"ipe"}
        rivals = [base | late, base | late | way | {"constant"}, base | late | way | {"shuffled"}]
        others = [parts - {"s2idm"} | {kind} for kind in ("shuffled", "raw")] if "s2idm" in parts else []
        controls = [parts - late, *(rivals if parts - late != base else []), *others]
        found = [named[frozenset(control)] for control in controls if frozenset(control) in named]
        candidates = dict.fromkeys([*found, trained[0], *(n for n in names if n in BASELINES)])
        pairs += [(name, rival) for rival in candidates if rival != name and (rival, name) not in pairs]
    return pairs
