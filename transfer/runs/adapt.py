"""adapt-target: train every variant with the same budget, and evaluate all under both protocols."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain, TimeKind
from domains.errors import DataError, SettingsError
from domains.split import Split
from recipes.schema import Recipe, resolved
from transfer.evaluation.summary import STAGES, SeedRankings, validation_score
from transfer.files import JsonLines, scratch_folder
from transfer.items.features import ItemFeatures, item_features
from transfer.items.sentence_vectors import Semantics, TitleSpace, same_encoder
from transfer.items.settings import Channel
from transfer.progress import RESULTS, TITLES, step_name
from transfer.report.run_record import KeptEpochs
from transfer.runs.artifact import LOG, UNSEEN
from transfer.runs.checkpoints import Checkpoints
from transfer.runs.checks import is_baseline, lacking
from transfer.runs.interest_factory import InterestFactory
from transfer.runs.plan import Plan
from transfer.runs.product_choice import product_of
from transfer.runs.source_artifact import LearnedEncoder, SourceArtifact
from transfer.runs.train_variant import VariantTrainer
from transfer.runtime import Runtime
from transfer.terms.known import KnownItems
from transfer.training.epochs import Log
from transfer.training.task import Task
from transfer.variants import Variant
from vocab.coverage import Coverage
from vocab.encoder.settings import SemanticSettings
from vocab.unseen.unseen_map import UnseenMap
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, eq=False, kw_only=True)
class MappedItems:
    """Items and their anchors.

    Attributes:
        vocabulary: the source's vocabulary, with the lemmas of the target's titles.
        anchors: (I, q) item-sememe matrix; 1 for anchors in the title, less for those of mapped words.
        coverage: share of items with anchors.
        unseen: map of unseen words; None if the recipe disables it.
        semantics: the sentence encoder, or None.
    """

    vocabulary: SememeVocabulary
    anchors: csr_matrix
    coverage: Coverage
    unseen: UnseenMap | None
    semantics: Semantics | None


def map_items(source: SourceArtifact, plan: Plan, runtime: Runtime) -> MappedItems:
    """Map the item texts of a target to the source's anchors.

    Args:
        source: artifact with the vocabulary.
        plan: item texts of the target, and settings of the map.
        runtime: shows progress.
    """
    recipe, domain = plan.recipe, plan.domain
    texts = plan.texts[domain.name]
    encoded = source.vocabulary.encode(texts)
    vocabulary = source.vocabulary.remembering(encoded.surfaces)
    semantics = Semantics.find(recipe.semantic, runtime)
    if semantics is not None:
        same_encoder(source.sentence_encoder, semantics, "the anchors of the source artifact")
    if recipe.unseen is None:
        return MappedItems(
            vocabulary=vocabulary, anchors=encoded.matrix, coverage=encoded.coverage, unseen=None, semantics=semantics
        )
    if recipe.unseen_map is not None:
        unseen = UnseenMap.load(recipe.unseen_map, vocabulary)
    elif semantics is None:
        unseen = UnseenMap.build(vocabulary, texts, recipe.unseen)
    else:
        track = semantics.track(f"words of {domain.name} that are no anchors")
        unseen = UnseenMap.build(vocabulary, texts, recipe.unseen, semantics.encoder, track)
    matrix = unseen.apply(texts)
    coverage = Coverage.of(matrix, unseen.report(texts).unmapped)
    return MappedItems(
        vocabulary=unseen.vocabulary, anchors=matrix, coverage=coverage, unseen=unseen, semantics=semantics
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Adapted:
    """Results of adapting to a target.

    Attributes:
        split: split of the target.
        items: anchors of its items.
        features: features of its items.
        known: texts and training counts of its items.
        rankings: variant -> one ranking per seed.
        weights: variant -> weights of the best seed on validation.
        best_seed: variant -> best seed on validation.
        validation: variant -> selection metric of each seed, over the training users.
        product: best variant on validation, see `choose_product`; never a shuffled control.
        skipped: variants that could not run, with the reason.
        kept_epochs: trained variant -> one entry per seed, the selected epoch of each training phase.
        threads: variant -> one entry per seed, the CPU threads that computed it; variants of earlier releases lack it.
    """

    split: Split
    items: MappedItems
    features: ItemFeatures
    known: KnownItems
    rankings: dict[str, SeedRankings]
    weights: dict[str, dict[str, Tensor]]
    best_seed: dict[str, int]
    validation: dict[str, list[float]]
    product: Variant
    skipped: dict[str, str]
    kept_epochs: Mapping[str, tuple[KeptEpochs, ...]] = field(default_factory=dict)
    threads: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def adapt_target(plan: Plan, source: SourceArtifact, out: Path, runtime: Runtime) -> Adapted:
    """Train and evaluate every variant and seed of a recipe on a target domain.

    Args:
        plan: plan of the target, with the settings of the source.
        source: vocabulary and frozen S2IDM.
        out: folder of the run; its finished checkpoints are reused.
        runtime: device, processes, progress.

    Raises:
        InputError: the target shares no anchor with the source, or no variant can run.
    """
    recipe, split, domain = plan.recipe, plan.target_split, plan.target_split.domain
    runtime.begin(TITLES)
    mapped = map_items(source, plan, runtime)
    _check_covered(plan.domain, mapped)
    runtime.log(f"{domain.name}: {str(mapped.coverage).splitlines()[0]}")
    anchor_vectors = source.vectors(mapped.semantics)
    skipped = skipped_variants(
        plan.variants,
        recipe.semantic,
        mapped.semantics is not None,
        anchor_vectors is not None,
        source.learned_encoder,
        source.s2idm is not None,
        domain.time_kind == TimeKind.TIMESTAMP,
    )
    variants = [variant for variant in plan.variants if variant.label not in skipped]
    check_any_runs(plan.variants, skipped)
    features = _features(plan, mapped, variants, anchor_vectors)
    scratch = scratch_folder(out, runtime.rank)
    factory = InterestFactory(
        domain=domain,
        item_anchors=mapped.anchors,
        idf=mapped.vocabulary.idf,
        s2idm=source.s2idm,
        settings=source.interests,
        device=runtime.device,
        scratch=scratch,
        progress=runtime.progress,
    )
    task = Task(
        split=split,
        max_length=recipe.encoder.max_length,
        training=recipe.training,
        evaluation=recipe.evaluation,
        runtime=runtime,
    )
    checkpoints = Checkpoints(out, _plan(source, recipe, domain, mapped), runtime)
    trainer = VariantTrainer(
        source=source,
        recipe=recipe,
        task=task,
        features=features,
        factory=factory,
        checkpoints=checkpoints,
        log=_log(out, runtime),
    )
    for name, reason in skipped.items():
        runtime.warn(f"Skipped {name}: {reason}")
    made = _every_variant(trainer, recipe, variants)
    runtime.begin(RESULTS)
    product = product_of(recipe, split, variants, made.rankings)
    shutil.rmtree(scratch, ignore_errors=True)
    if runtime.is_main and mapped.unseen is not None:
        mapped.unseen.save(out / UNSEEN)
    return Adapted(
        split=split,
        items=mapped,
        features=features,
        known=trainer.known,
        rankings=made.rankings,
        weights=made.weights,
        best_seed=made.best_seed,
        validation=made.validation,
        product=product,
        skipped=skipped,
        kept_epochs=made.kept_epochs,
        threads=made.threads,
    )


def _check_covered(domain: Domain, mapped: MappedItems) -> None:
    """Raise if the source has anchors and no item of the target has one."""
    if len(mapped.vocabulary) and mapped.anchors.nnz == 0:
        raise DataError(
            f"none of its {domain.n_items:,} items has an anchor of the source artifact",
            location=domain.name,
            hint="Use sources with titles in the same language, or set target_titles to build the vocabulary from the "
            "target's titles too (each anchor needs vocabulary.min_items titles)",
            code="no-anchors",
        )


def check_any_runs(variants: Sequence[Variant], skipped: Mapping[str, str]) -> None:
    """Raise if all variants are skipped.

    Args:
        variants: variants of a plan.
        skipped: see `skipped_variants`.

    Raises:
        InputError: none is left; the message has the reasons.
    """
    if variants and len(skipped) == len(variants):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise SettingsError(
            f"no variant can run ({reasons})",
            location="variants",
            hint="Do what the reasons say, or add a variant that needs none of it, such as sasrec",
            code="no-variant",
        )


def _features(
    plan: Plan, mapped: MappedItems, variants: Sequence[Variant], anchor_vectors: Tensor | None
) -> ItemFeatures:
    """Compute the features of the target's items that the variants read."""
    split = plan.target_split
    features = item_features(
        domain=split.domain,
        anchors=mapped.anchors,
        idf=mapped.vocabulary.idf,
        channels=_channels(variants, mapped.semantics),
        anchor_vectors=anchor_vectors,
        semantics=mapped.semantics,
        whitening=plan.recipe.semantic.whitening,
    )
    if features.title_vectors is not None:
        trained = len(split.training_users) > 0
        features = replace(features, title_space=TitleSpace.of(features.title_vectors, narrow=trained))
    return features if split.new_items is None else replace(features, known=torch.from_numpy(~split.new_items))


@dataclass(frozen=True, eq=False)
class _Made:
    """Results of each variant and seed; baselines have one seed."""

    rankings: dict[str, SeedRankings] = field(default_factory=dict)
    weights: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    best_seed: dict[str, int] = field(default_factory=dict)
    validation: dict[str, list[float]] = field(default_factory=dict)
    kept_epochs: dict[str, tuple[KeptEpochs, ...]] = field(default_factory=dict)
    threads: dict[str, tuple[int, ...]] = field(default_factory=dict)


def _every_variant(trainer: VariantTrainer, recipe: Recipe, variants: Sequence[Variant]) -> _Made:
    """Run every variant and seed, in the recipe's order, and keep the weights of the best seed on validation."""
    made = _Made()
    for variant in variants:
        label = variant.label
        seeds = (0,) if is_baseline(variant) else recipe.seeds
        checkpoints = []
        for seed in seeds:
            trainer.task.runtime.begin(step_name(label, None if is_baseline(variant) else seed))
            checkpoints.append(trainer.finished(variant, seed))
        made.rankings[label] = {stage: [finished.rankings[stage] for finished in checkpoints] for stage in STAGES}
        users, metric, cutoffs = trainer.task.split.training_users, recipe.training.metric, recipe.evaluation.cutoffs
        scores = [validation_score(found.rankings["validation"], users, metric, cutoffs) for found in checkpoints]
        best = int(np.argmax(scores))
        # A baseline has no seed of its own and is listed under the first one.
        made.weights[label], made.best_seed[label] = checkpoints[best].weights, recipe.seeds[best]
        made.validation[label] = scores
        kept = tuple(finished.kept for finished in checkpoints if finished.kept is not None)
        if len(kept) == len(checkpoints):
            made.kept_epochs[label] = kept
        threads = tuple(finished.threads for finished in checkpoints if finished.threads is not None)
        if len(threads) == len(checkpoints):
            made.threads[label] = threads
    return made


def skipped_variants(
    variants: Sequence[Variant],
    semantic: SemanticSettings,
    titles: bool,
    anchors: bool,
    source_encoder: LearnedEncoder | None,
    s2idm: bool,
    times: bool,
) -> dict[str, str]:
    """Return the variants that cannot run, with the reason. See `lacking`."""
    skipped = {}
    for variant in variants:
        reason = lacking(variant, titles, anchors, source_encoder, s2idm, times)
        if reason is None:
            continue
        named = not titles and semantic.encoder != "auto"
        if named and lacking(variant, True, True, source_encoder, s2idm, times) is None:
            reason = f"the sentence encoder {semantic.encoder!r} is not available (semantic.encoder)"
        skipped[variant.label] = reason
    return skipped


def _channels(variants: Sequence[Variant], semantics: Semantics | None) -> set[Channel]:
    """Return the channels to compute. Matching uses titles only if an encoder is installed."""
    channels = {channel for variant in variants for channel in variant.channels}
    matched = any(variant.terms for variant in variants)
    return channels | {"title-semantic"} if matched and semantics is not None else channels


def _plan(source: SourceArtifact, recipe: Recipe, domain: Domain, mapped: MappedItems) -> dict[str, Any]:
    """Return the settings that determine a checkpoint: all but variants, seeds and names."""
    settings = resolved(recipe)
    for key in ("variants", "seeds", "name", "description", "sources", "target", "unseen_map"):
        settings.pop(key)
    settings["evaluation"].pop("cutoffs")
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
    lines = JsonLines(out / LOG, fresh=False)

    def log(entry: Mapping[str, object]) -> None:
        lines(entry)
        runtime.tracker.entry(entry)

    return log
